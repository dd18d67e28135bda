//! What a worker may do, how often, and what came of it.

use std::collections::BTreeMap;

/// Things that an app does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Act {
    ReadDevice,
    ReadState,
    ReadRoom,
    ReadHouses,
    ReadEntity,
    ListEntities,
    Walk,
    Search,
    FindIds,
    History,
    Explain,
    Status,
    Pending,
    Digests,
    SetState,
    Rename,
    FurnishRoom,
    MakeDevice,
    DeleteDevice,
    Link,
    EditCommons,
    NeighbourEdits,
    Journal,
    NeighboursJournal,
    Discard,
    Retry,
    Stream,
    Observe,
    Watch,
    Glance,
    Sync,
    GiveUpSync,
    CancelSync,
    WaitUntilSynced,
    NeighbourSyncs,
    NeighbourStartsOver,
    Background,
    NetworkAvailable,
    Probe,
    Pause,
    Reopen,
    Reconnect,
    SecondClient,
    Visitor,
}

/// How often, in relation to each other.
pub(crate) const MIX: &[(Act, u64)] = &[
    (Act::ReadDevice, 2_200),
    (Act::ReadState, 2_000),
    (Act::ReadRoom, 900),
    (Act::ReadHouses, 300),
    (Act::ReadEntity, 500),
    (Act::ListEntities, 20),
    (Act::Walk, 150),
    (Act::Search, 60),
    (Act::FindIds, 100),
    (Act::History, 200),
    (Act::Explain, 200),
    (Act::Status, 300),
    (Act::Pending, 60),
    (Act::Digests, 5),
    (Act::SetState, 1_500),
    (Act::Rename, 500),
    (Act::FurnishRoom, 100),
    // What is deleted leaves a tombstone, here and at the hub.
    (Act::MakeDevice, 5),
    (Act::DeleteDevice, 5),
    (Act::Link, 2),
    (Act::EditCommons, 60),
    (Act::NeighbourEdits, 60),
    (Act::Journal, 30),
    (Act::NeighboursJournal, 15),
    (Act::Discard, 10),
    (Act::Retry, 5),
    (Act::Stream, 150),
    (Act::Observe, 150),
    (Act::Watch, 100),
    (Act::Glance, 200),
    (Act::Sync, 30),
    (Act::GiveUpSync, 15),
    (Act::CancelSync, 15),
    (Act::WaitUntilSynced, 5),
    (Act::NeighbourSyncs, 25),
    (Act::NeighbourStartsOver, 1),
    (Act::Background, 4),
    (Act::NetworkAvailable, 30),
    (Act::Probe, 10),
    (Act::Pause, 3),
    (Act::Reopen, 3),
    (Act::Reconnect, 2),
    (Act::SecondClient, 3),
    (Act::Visitor, 1),
];

/// After so many operations every act must have been done.
const ALL_ACTS: u64 = 200_000;

/// Numbers from a seed (SplitMix64).
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % bound
    }

    pub(crate) fn coin(&mut self) -> bool {
        self.below(2) == 0
    }

    pub(crate) fn one_of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len() as u64) as usize]
    }

    /// What to do next.
    pub(crate) fn act(&mut self) -> Act {
        let all: u64 = MIX.iter().map(|(_, weight)| weight).sum();
        let mut drawn = self.below(all);
        for (act, weight) in MIX {
            if drawn < *weight {
                return *act;
            }
            drawn -= weight;
        }
        unreachable!("the weights sum to what was drawn from")
    }
}

/// How often each act went through, and how often it was ended from outside: the
/// client was being paused or closed, the sync cancelled, the edit sent already.
#[derive(Default)]
pub(crate) struct Tally(BTreeMap<Act, (u64, u64)>);

impl Tally {
    pub(crate) fn count(&mut self, act: Act, went_through: bool) {
        let (done, ended) = self.0.entry(act).or_default();
        *(if went_through { done } else { ended }) += 1;
    }

    pub(crate) fn add(&mut self, other: &Self) {
        for (act, (done, ended)) in &other.0 {
            let sums = self.0.entry(*act).or_default();
            sums.0 += done;
            sums.1 += ended;
        }
    }

    pub(crate) fn print(&self) {
        println!("{:<22} {:>9} {:>14}", "act", "done", "ended early");
        for (act, (done, ended)) in &self.0 {
            println!("{:<22} {done:>9} {ended:>14}", format!("{act:?}"));
        }
    }

    /// What a long run should have done and has not.
    pub(crate) fn never_done(&self, operations: u64) -> Vec<String> {
        let undone = |act: &Act| self.0.get(act).is_none_or(|(done, _)| *done == 0);
        let acts = MIX.iter().map(|(act, _)| *act);
        acts.filter(|act| operations >= ALL_ACTS && undone(act))
            .map(|act| format!("{act:?} never went through"))
            .collect()
    }
}
