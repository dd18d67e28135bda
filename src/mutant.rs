//! Deliberate bugs: each breaks one promise, and the simulated fleet must notice
//! (`cargo xtask simulate --mutants`). Only a build with feature `testing` has them;
//! in any other `active` is a constant. What a bug does is where it does it.

#[cfg(feature = "testing")]
use std::sync::atomic::{AtomicUsize, Ordering};

/// Which promise is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutant {
    /// An edit counts as taken because the server took as many.
    AcknowledgeOnCount,
    /// The watermark is saved before the page.
    WatermarkEarly,
    /// An edit leaves the outbox when it leaves the machine.
    OutboxClearedBeforeAnswer,
    /// A pulled version replaces a pending edit.
    PullOverPending,
    /// The tiebreak window has its upper end within.
    OneSecondInclusive,
    /// A losing edit is not written down.
    NoJournal,
    /// A pulled tombstone is passed over.
    ForgottenTombstone,
    /// An edit keeps the id of the version that it was made on.
    SyncIdReused,
    /// An edit keeps the number of the one that it follows.
    LostEditSeq,
    /// A sync that failed says that it did not.
    SwallowedError,
    /// An edit claims to be made on whatever the server has.
    MirrorAsBase,
    /// The cursor is saved before the page.
    CursorBeforePage,
    /// A graph is asked for what came after the last answer, to the microsecond.
    SinceWithoutOverlap,
    /// An answer that leaves open what became of an edit settles it.
    SettleOnSilence,
    /// An edit is sent without those that were sent before it.
    PredecessorLeftBehind,
    /// Pinning an edge anew also says where this replica has it.
    RepinMovesTarget,
    /// An edge that the server does not list goes, whether or not it waits to be sent.
    EdgeDroppedWhilePending,
}

/// The active bug's place in [`Mutant::ALL`], counted from 1.
#[cfg(feature = "testing")]
static ACTIVE: AtomicUsize = AtomicUsize::new(0);

#[cfg(feature = "testing")]
impl Mutant {
    /// Every one with its name, and whether it breaks a promise of v1 and of v2.
    pub const ALL: &[(Mutant, &str, bool, bool)] = &[
        (Mutant::AcknowledgeOnCount, "acknowledge_on_count", true, true),
        (Mutant::WatermarkEarly, "watermark_early", true, false),
        (
            Mutant::OutboxClearedBeforeAnswer,
            "outbox_cleared_before_answer",
            true,
            true,
        ),
        (Mutant::PullOverPending, "pull_over_pending", true, true),
        (Mutant::OneSecondInclusive, "one_second_inclusive", true, false),
        (Mutant::NoJournal, "no_journal", true, true),
        (Mutant::ForgottenTombstone, "forgotten_tombstone", true, true),
        (Mutant::SyncIdReused, "sync_id_reused", true, true),
        (Mutant::LostEditSeq, "lost_edit_seq", true, true),
        (Mutant::SwallowedError, "swallowed_error", true, true),
        (Mutant::MirrorAsBase, "mirror_as_base", true, true),
        (Mutant::CursorBeforePage, "cursor_before_page", false, true),
        (Mutant::SinceWithoutOverlap, "since_without_overlap", false, true),
        (Mutant::SettleOnSilence, "settle_on_silence", false, true),
        (
            Mutant::PredecessorLeftBehind,
            "predecessor_left_behind",
            false,
            true,
        ),
        (Mutant::RepinMovesTarget, "repin_moves_target", false, true),
        (
            Mutant::EdgeDroppedWhilePending,
            "edge_dropped_while_pending",
            false,
            true,
        ),
    ];

    /// Leaves the process without any.
    pub fn deactivate() {
        ACTIVE.store(0, Ordering::SeqCst);
    }

    /// Makes this the bug that the whole process has.
    pub fn activate(self) {
        let place = Self::ALL.iter().position(|(mutant, ..)| *mutant == self);
        ACTIVE.store(place.map_or(0, |place| place + 1), Ordering::SeqCst);
    }
}

/// Whether the process has this bug.
#[cfg(feature = "testing")]
pub(crate) fn active(mutant: Mutant) -> bool {
    match ACTIVE.load(Ordering::Relaxed) {
        0 => false,
        place => Mutant::ALL[place - 1].0 == mutant,
    }
}

/// Whether the process has this bug.
#[cfg(not(feature = "testing"))]
pub(crate) const fn active(_: Mutant) -> bool {
    false
}
