//! The conflict rule: every branch by example, in both argument orders, and its
//! laws by property. The cases are drawn from a fixed seed, so a run repeats.

#![allow(clippy::unwrap_used)]

use std::cmp::Ordering;

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use wildthing::conflict::Reason::{
    LocalDeleted, MissingTimestamp, NewerLocal, NewerRemote, RemoteDeleted, SyncIdTiebreakLocal,
    SyncIdTiebreakRemote,
};
use wildthing::conflict::{Edit, Reason, Resolution, Winner, resolve};
use wildthing::model::time::SECOND;
use wildthing::model::{Key, Kind, RecordId, Timestamp, Version};

/// 2026-11-22T08:00:00, in microseconds.
const T0: i64 = 1_795_334_400_000_000;

fn edit(micros: Option<i64>, sync_id: &str, deleted: bool) -> Edit<'_> {
    Edit {
        updated_at: micros.map(Timestamp::from_micros),
        sync_id,
        deleted,
    }
}

/// A live edit so many microseconds after [`T0`].
fn live(after_t0: i64, sync_id: &str) -> Edit<'_> {
    edit(Some(T0 + after_t0), sync_id, false)
}

fn won(winner: Winner, reason: Reason) -> Resolution {
    Resolution::Conflict { winner, reason }
}

/// What the rule must say when its arguments change places.
fn mirrored(resolution: Resolution) -> Resolution {
    let Resolution::Conflict { winner, reason } = resolution else {
        return resolution;
    };
    let winner = match winner {
        Winner::Local => Winner::Remote,
        Winner::Remote => Winner::Local,
    };
    let reason = match reason {
        LocalDeleted => RemoteDeleted,
        RemoteDeleted => LocalDeleted,
        NewerLocal => NewerRemote,
        NewerRemote => NewerLocal,
        SyncIdTiebreakLocal => SyncIdTiebreakRemote,
        SyncIdTiebreakRemote => SyncIdTiebreakLocal,
        MissingTimestamp => MissingTimestamp,
    };
    won(winner, reason)
}

/// Asserts that `better` stays, whichever side it stands on. `reason` is the
/// one given when it is local.
#[track_caller]
fn assert_beats(better: Edit<'_>, worse: Edit<'_>, reason: Reason) {
    let expected = won(Winner::Local, reason);
    assert_eq!(resolve(better, worse), expected, "{better:?} against {worse:?}");
    assert_eq!(
        resolve(worse, better),
        mirrored(expected),
        "{worse:?} against {better:?}"
    );
}

#[test]
fn a_delete_beats_an_update_whatever_the_times() {
    let years = 365 * 86_400 * SECOND;
    for deleted_at in [None, Some(T0 - 50 * years), Some(T0), Some(T0 + 50 * years)] {
        for updated_at in [None, Some(T0 - 1), Some(T0), Some(T0 + 1)] {
            for (delete_id, update_id) in [("a", "b"), ("b", "a"), ("", "b"), ("a", ""), ("", "")] {
                assert_beats(
                    edit(deleted_at, delete_id, true),
                    edit(updated_at, update_id, false),
                    LocalDeleted,
                );
            }
        }
    }
}

#[test]
fn a_delete_beats_an_update_even_under_the_same_id() {
    assert_beats(edit(Some(T0), "same", true), live(0, "same"), LocalDeleted);
}

#[test]
fn two_deletes_go_on_to_the_other_branches() {
    let gone = |after_t0: i64, id| edit(Some(T0 + after_t0), id, true);
    assert_beats(gone(SECOND, "a"), gone(0, "b"), NewerLocal);
    assert_beats(gone(0, "b"), gone(SECOND - 1, "a"), SyncIdTiebreakLocal);
    assert_beats(gone(0, "a"), edit(None, "b", true), MissingTimestamp);
    assert_beats(edit(None, "b", true), edit(None, "a", true), SyncIdTiebreakLocal);
    assert_eq!(resolve(gone(0, "a"), gone(9 * SECOND, "a")), Resolution::SameEdit);
}

#[test]
fn one_id_is_one_edit_whatever_the_times() {
    for (ours, theirs) in [
        (Some(T0), Some(T0)),
        (Some(T0), Some(T0 + 5 * SECOND)),
        (Some(T0), None),
        (None, None),
    ] {
        for deleted in [false, true] {
            let (ours, theirs) = (edit(ours, "same", deleted), edit(theirs, "same", deleted));
            assert_eq!(resolve(ours, theirs), Resolution::SameEdit);
            assert_eq!(resolve(theirs, ours), Resolution::SameEdit);
        }
    }
}

#[test]
fn within_a_second_the_greater_id_wins() {
    for apart in [-999_999, -1, 0, 1, 999_999] {
        assert_beats(live(apart, "b"), live(0, "a"), SyncIdTiebreakLocal);
    }
}

#[test]
fn exactly_a_second_is_not_within_a_second() {
    assert_beats(live(SECOND, "a"), live(0, "b"), NewerLocal);
    assert_beats(live(SECOND + 1, "a"), live(0, "b"), NewerLocal);
    assert_beats(live(0, "a"), live(-SECOND, "b"), NewerLocal);
    // The microsecond before it still is.
    assert_beats(live(0, "b"), live(SECOND - 1, "a"), SyncIdTiebreakLocal);
    assert_beats(live(1 - SECOND, "b"), live(0, "a"), SyncIdTiebreakLocal);
}

#[test]
fn the_newer_edit_wins_from_the_first_year_to_the_last() {
    let (first, last) = (Timestamp::from_micros(i64::MIN), Timestamp::from_micros(i64::MAX));
    assert_beats(
        Edit {
            updated_at: Some(last),
            sync_id: "a",
            deleted: false,
        },
        Edit {
            updated_at: Some(first),
            sync_id: "b",
            deleted: false,
        },
        NewerLocal,
    );
}

#[test]
fn the_side_with_a_readable_time_wins() {
    for (timed, untimed) in [("a", "b"), ("b", "a"), ("", "b"), ("a", ""), ("", "")] {
        assert_beats(live(0, timed), edit(None, untimed, false), MissingTimestamp);
    }
}

#[test]
fn without_any_time_the_greater_id_wins() {
    assert_beats(
        edit(None, "b", false),
        edit(None, "a", false),
        SyncIdTiebreakLocal,
    );
    assert_beats(edit(None, "a", false), edit(None, "", false), SyncIdTiebreakLocal);
}

#[test]
fn an_empty_id_is_less_than_any_other_and_never_the_same_edit() {
    assert_beats(live(0, "0"), live(0, ""), SyncIdTiebreakLocal);
    assert_beats(live(SECOND, ""), live(0, ""), NewerLocal);
    // The one case that is not symmetric: nothing tells the two apart, so the
    // remote one, which others share, stays.
    for missing in [Some(T0), None] {
        assert_eq!(
            resolve(edit(missing, "", false), edit(missing, "", false)),
            won(Winner::Remote, SyncIdTiebreakRemote)
        );
    }
}

#[test]
fn ids_compare_by_their_bytes() {
    for (greater, less) in [
        ("a", "Z"),                // not by alphabet
        ("é", "z"),                // two bytes, the first 0xC3
        ("e\u{301}", "e"),         // a prefix is less
        ("é", "e\u{301}"),         // two spellings of one letter are two ids
        ("\u{1F600}", "\u{FFFD}"), // UTF-16 would say the opposite
        ("10", "1"),
        ("9", "10"), // not by number
        ("b\u{0}", "b"),
    ] {
        assert_beats(live(0, greater), live(0, less), SyncIdTiebreakLocal);
    }
}

#[test]
fn a_version_is_judged_by_its_time_id_and_tombstone() {
    let version = Version {
        key: Key::new(Kind::Room, RecordId::new("r1").unwrap()),
        parent_id: None,
        name: Some("Kitchen".into()),
        body: Default::default(),
        created_at: Some(Timestamp::from_micros(1)),
        updated_at: Some(Timestamp::from_micros(T0)),
        sync_id: "s1".into(),
        deleted: true,
    };
    assert_eq!(Edit::from(&version), edit(Some(T0), "s1", true));
}

/// The words are part of the protocol and of the journal.
#[test]
fn the_reasons_have_their_words() {
    for (reason, word) in [
        (LocalDeleted, "local_deleted"),
        (RemoteDeleted, "remote_deleted"),
        (NewerLocal, "newer_local"),
        (NewerRemote, "newer_remote"),
        (SyncIdTiebreakLocal, "sync_id_tiebreak_local"),
        (SyncIdTiebreakRemote, "sync_id_tiebreak_remote"),
        (MissingTimestamp, "missing_timestamp"),
    ] {
        assert_eq!(reason.as_str(), word);
        assert_eq!(serde_json::to_value(reason).unwrap(), word);
        assert_eq!(serde_json::from_value::<Reason>(word.into()).unwrap(), reason);
    }
}

/// The rule once more, written from its text as one ranking per branch, to
/// check the code against a second reading.
fn by_the_text(local: &Owned, remote: &Owned) -> Resolution {
    let side = |order: Ordering, ours: Reason, theirs: Reason| match order {
        Ordering::Greater => won(Winner::Local, ours),
        _ => won(Winner::Remote, theirs),
    };
    let deletes = local.deleted.cmp(&remote.deleted);
    if deletes.is_ne() {
        return side(deletes, LocalDeleted, RemoteDeleted);
    }
    if local.sync_id == remote.sync_id && !local.sync_id.is_empty() {
        return Resolution::SameEdit;
    }
    let timed = local.micros.is_some().cmp(&remote.micros.is_some());
    if timed.is_ne() {
        return side(timed, MissingTimestamp, MissingTimestamp);
    }
    let (ours, theirs) = (local.micros.unwrap_or(0), remote.micros.unwrap_or(0));
    if (ours - theirs).abs() >= 1_000_000 {
        return side(ours.cmp(&theirs), NewerLocal, NewerRemote);
    }
    let ids = local.sync_id.bytes().cmp(remote.sync_id.bytes());
    side(ids, SyncIdTiebreakLocal, SyncIdTiebreakRemote)
}

#[derive(Debug, Clone)]
struct Owned {
    micros: Option<i64>,
    sync_id: String,
    deleted: bool,
}

impl Owned {
    fn edit(&self) -> Edit<'_> {
        edit(self.micros, &self.sync_id, self.deleted)
    }
}

/// Edits that often meet: times around the edge of the second, few ids.
fn edits() -> impl Strategy<Value = Owned> {
    let micros = prop_oneof![
        1 => Just(None),
        6 => prop::sample::select(vec![-1_000_001, -1_000_000, -999_999, -1, 0, 1, 999_999, 1_000_000, 1_000_001])
            .prop_map(|apart| Some(T0 + apart)),
        2 => (-3 * SECOND..3 * SECOND).prop_map(|apart| Some(T0 + apart)),
        1 => (0..4 * T0).prop_map(Some),
    ];
    let sync_id = prop_oneof![
        2 => Just(String::new()),
        6 => prop::sample::select(vec!["a", "b", "Z", "é", "e\u{301}", "\u{1F600}", "\u{FFFD}"]).prop_map(str::to_owned),
        2 => "\\PC{0,12}",
    ];
    (micros, sync_id, prop::bool::weighted(0.3)).prop_map(|(micros, sync_id, deleted)| Owned {
        micros,
        sync_id,
        deleted,
    })
}

fn config() -> ProptestConfig {
    ProptestConfig {
        cases: 4_000,
        rng_seed: RngSeed::Fixed(0x60_0D),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn the_code_agrees_with_a_second_reading(local in edits(), remote in edits()) {
        prop_assert_eq!(resolve(local.edit(), remote.edit()), by_the_text(&local, &remote));
    }

    #[test]
    fn both_sides_come_to_the_same_winner(local in edits(), remote in edits()) {
        let (there, back) = (resolve(local.edit(), remote.edit()), resolve(remote.edit(), local.edit()));
        let tied = local.sync_id.is_empty()
            && remote.sync_id.is_empty()
            && matches!(there, Resolution::Conflict { reason: SyncIdTiebreakRemote, .. });
        if tied {
            prop_assert_eq!(back, there);
        } else {
            prop_assert_eq!(back, mirrored(there));
        }
    }

    #[test]
    fn a_delete_never_loses_to_an_update(deleted in edits(), updated in edits()) {
        let (deleted, updated) = (Owned { deleted: true, ..deleted }, Owned { deleted: false, ..updated });
        prop_assert_eq!(resolve(deleted.edit(), updated.edit()), won(Winner::Local, LocalDeleted));
        prop_assert_eq!(resolve(updated.edit(), deleted.edit()), won(Winner::Remote, RemoteDeleted));
    }

    #[test]
    fn only_one_id_on_both_sides_is_no_conflict(local in edits(), remote in edits()) {
        if resolve(local.edit(), remote.edit()) == Resolution::SameEdit {
            prop_assert_eq!(&local.sync_id, &remote.sync_id);
            prop_assert!(!local.sync_id.is_empty());
        }
    }

    /// Shifting both times alike changes nothing: only their distance counts.
    #[test]
    fn only_the_distance_of_the_times_counts(local in edits(), remote in edits(), shift in -T0..T0) {
        let moved = |edit: &Owned| Owned { micros: edit.micros.map(|at| at + shift), ..edit.clone() };
        prop_assert_eq!(
            resolve(local.edit(), remote.edit()),
            resolve(moved(&local).edit(), moved(&remote).edit())
        );
    }
}
