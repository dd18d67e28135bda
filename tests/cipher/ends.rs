//! A process that ends while others of its threads still read and write: what it
//! acknowledged is there, and it ends as it was told to.

use std::path::Path;
use std::process::Command;
use std::sync::mpsc;
use std::thread;

use super::{ANN, key, open, unsent, write};

/// Where the process that ends has its replicas.
const FOLDER: &str = "WILDTHING_TEST_ENDS_IN";
const THREADS: usize = 4;
const PROCESSES: usize = 20;
/// How much each thread has written, and knows to be written, when the process ends.
const LEAST: usize = 4;

#[test]
fn in_the_middle_of_writes_without_a_crash() {
    for _ in 0..PROCESSES {
        let folder = tempfile::tempdir().unwrap();
        let ended = Command::new(std::env::current_exe().unwrap())
            .args(["ends::in_the_middle", "--ignored", "--exact", "--nocapture"])
            .env(FOLDER, folder.path())
            .output()
            .unwrap();
        assert_eq!(
            ended.status.code(),
            Some(7),
            "{}",
            String::from_utf8_lossy(&ended.stderr)
        );
        for number in 0..THREADS {
            let store = open(&folder.path().join(format!("{number}.db")), Some(ANN)).unwrap();
            assert!(unsent(&store) >= LEAST);
        }
    }
}

#[test]
#[ignore = "the process that ends"]
fn in_the_middle() {
    let folder = std::env::var_os(FOLDER).unwrap();
    let (written, told) = mpsc::channel();
    for number in 0..THREADS {
        let (path, written) = (Path::new(&folder).join(format!("{number}.db")), written.clone());
        thread::spawn(move || {
            for round in 0.. {
                // Whatever fails once the process ends fails unheard.
                let Ok(store) = open(&path, Some(ANN)) else { return };
                if write(&store, &format!("room-{round}"), "in time").is_err() {
                    return;
                }
                let _ = written.send(number);
                if round % 4 == 0 && store.change_key(Some(key(ANN))).is_err() {
                    return;
                }
            }
        });
    }
    let mut counts = [0_usize; THREADS];
    while counts.iter().any(|count| *count < LEAST) {
        counts[told.recv().unwrap()] += 1;
    }
    std::process::exit(7);
}
