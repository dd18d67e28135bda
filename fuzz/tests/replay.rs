//! Every input in `corpus` once more, on any compiler: those that broke a promise
//! once, and those that go where no other goes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::path::Path;

#[test]
fn no_input_of_a_corpus_breaks_a_promise() {
    let corpora = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    for (name, target) in fuzz::TARGETS {
        let mut inputs = 0;
        for file in fs::read_dir(corpora.join(name)).expect(name) {
            let path = file.unwrap().path();
            let bytes = fs::read(&path).unwrap();
            let ran = std::panic::catch_unwind(|| target(&bytes));
            assert!(ran.is_ok(), "{name} breaks at {}", path.display());
            inputs += 1;
        }
        println!("{name}: {inputs} inputs");
        assert!(inputs > 0, "{name} has no corpus");
    }
}
