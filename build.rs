//! Turns WILDTHING_MUTANT into `cfg(mutant = "…")`, and only with feature
//! `testing`: a deliberate bug can never reach a library that ships.

/// Each deliberate bug, and the protocols whose simulated fleets must catch it.
const MUTANTS: &[(&str, &str)] = &[
    ("acknowledge_on_count", "v1 v2"),
    ("watermark_early", "v1"),
    ("outbox_cleared_before_answer", "v1 v2"),
    ("pull_over_pending", "v1 v2"),
    ("one_second_inclusive", "v1"),
    ("no_journal", "v1 v2"),
    ("forgotten_tombstone", "v1 v2"),
    ("sync_id_reused", "v1 v2"),
    ("lost_edit_seq", "v1 v2"),
    ("swallowed_error", "v1 v2"),
    ("mirror_as_base", "v1 v2"),
    ("cursor_before_page", "v2"),
    ("since_without_overlap", "v2"),
    ("settle_on_silence", "v2"),
    ("predecessor_left_behind", "v2"),
    ("repin_moves_target", "v2"),
    ("edge_dropped_while_pending", "v2"),
];

fn main() {
    println!("cargo::rerun-if-env-changed=WILDTHING_MUTANT");
    let names: Vec<String> = MUTANTS.iter().map(|(name, _)| format!("{name:?}")).collect();
    println!("cargo::rustc-check-cfg=cfg(mutant, values({}))", names.join(", "));
    if std::env::var_os("CARGO_FEATURE_TESTING").is_none() {
        return;
    }
    if let Ok(mutant) = std::env::var("WILDTHING_MUTANT") {
        assert!(
            mutant.is_empty() || MUTANTS.iter().any(|(name, _)| *name == mutant),
            "unknown mutant {mutant:?}; known: {MUTANTS:?}"
        );
        if !mutant.is_empty() {
            println!("cargo::rustc-cfg=mutant={mutant:?}");
        }
    }
}
