//! A process that ends while others of its threads still read and write, or end too:
//! what it acknowledged is there, and it ends as it was told to.

use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Barrier, mpsc};
use std::thread;

use super::{ANN, key, open, unsent, write};

/// Where the process that ends has its replicas.
const FOLDER: &str = "WILDTHING_TEST_ENDS_IN";
const THREADS: usize = 4;
const PROCESSES: usize = 20;
/// How much each thread has written, and knows to be written, when the process ends.
const LEAST: usize = 4;
/// Threads that end with the process, each of which has written once.
const ENDING: usize = 200;
/// Where OpenSSL was not told to leave the exit alone, about one of eight crashed.
const PROCESSES_OF_THOSE: usize = 40;

/// Another process, which runs the test of this name and must end as it chose to.
fn process(test: &str, folder: &Path) {
    let ended = Command::new(std::env::current_exe().unwrap())
        .args([test, "--ignored", "--exact", "--nocapture"])
        .env(FOLDER, folder)
        .output()
        .unwrap();
    assert_eq!(
        ended.status.code(),
        Some(7),
        "{}",
        String::from_utf8_lossy(&ended.stderr)
    );
}

#[test]
fn while_its_threads_end_without_a_crash() {
    for _ in 0..PROCESSES_OF_THOSE {
        let folder = tempfile::tempdir().unwrap();
        process("ends::with_its_threads", folder.path());
        let store = open(&folder.path().join("it.db"), Some(ANN)).unwrap();
        assert_eq!(unsent(&store), ENDING);
    }
}

#[test]
#[ignore = "the process that ends with its threads"]
fn with_its_threads() {
    let folder = std::env::var_os(FOLDER).unwrap();
    let store = Arc::new(open(&Path::new(&folder).join("it.db"), Some(ANN)).unwrap());
    let now = Arc::new(Barrier::new(ENDING + 1));
    for number in 0..ENDING {
        let (store, now) = (Arc::clone(&store), Arc::clone(&now));
        thread::spawn(move || {
            write(&store, &format!("room-{number}"), "in time").unwrap();
            now.wait();
        });
    }
    now.wait();
    std::process::exit(7);
}

#[test]
fn in_the_middle_of_writes_without_a_crash() {
    for _ in 0..PROCESSES {
        let folder = tempfile::tempdir().unwrap();
        process("ends::in_the_middle", folder.path());
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
