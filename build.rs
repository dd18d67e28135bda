//! Turns WILDTHING_MUTANT into `cfg(mutant = "…")`, and only with feature
//! `testing`: a deliberate bug can never reach a library that ships.

const MUTANTS: &[&str] = &[
    "acknowledge_on_count",
    "watermark_early",
    "outbox_cleared_before_answer",
    "pull_over_pending",
    "one_second_inclusive",
    "no_journal",
    "forgotten_tombstone",
    "sync_id_reused",
    "lost_edit_seq",
    "swallowed_error",
];

fn main() {
    println!("cargo::rerun-if-env-changed=WILDTHING_MUTANT");
    let names: Vec<String> = MUTANTS.iter().map(|name| format!("{name:?}")).collect();
    println!("cargo::rustc-check-cfg=cfg(mutant, values({}))", names.join(", "));
    if std::env::var_os("CARGO_FEATURE_TESTING").is_none() {
        return;
    }
    if let Ok(mutant) = std::env::var("WILDTHING_MUTANT") {
        assert!(
            mutant.is_empty() || MUTANTS.contains(&mutant.as_str()),
            "unknown mutant {mutant:?}; known: {MUTANTS:?}"
        );
        if !mutant.is_empty() {
            println!("cargo::rustc-cfg=mutant={mutant:?}");
        }
    }
}
