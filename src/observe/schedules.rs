//! The broadcaster under schedules that shuttle chooses: every listener hears what it
//! is to hear, in order and once, however the threads take turns. Who waits in vain
//! is found, since then nobody can go on.
//!
//! `cargo xtask schedules`; what a failure prints replays it (`shuttle::replay`).
#![allow(clippy::unwrap_used, clippy::panic)]

use std::sync::Arc;

use shuttle::future::block_on;
use shuttle::sync::{Condvar, Mutex};
use shuttle::thread;

use super::*;
use crate::threading::{AtomicU64, explore};

/// How many threads send, and how much each.
const SENDERS: u64 = 2;
const EACH: u64 = 3;

fn event(sender: u64, number: u64) -> ChangeEvent {
    ChangeEvent::SyncProgress {
        done: sender * 100 + number,
        total: None,
    }
}

fn number_of(event: &ChangeEvent) -> u64 {
    match event {
        ChangeEvent::SyncProgress { done, .. } => *done,
        other => panic!("{other:?}"),
    }
}

/// Threads that send, to be joined.
fn senders(broadcaster: &Arc<Broadcaster>) -> Vec<thread::JoinHandle<()>> {
    let spawn = |sender| {
        let broadcaster = Arc::clone(broadcaster);
        thread::spawn(move || (0..EACH).for_each(|number| broadcaster.send(event(sender, number))))
    };
    (0..SENDERS).map(spawn).collect()
}

/// All that was sent, and what each sender sent in its order.
fn assert_whole(heard: &[u64]) {
    for sender in 0..SENDERS {
        let theirs: Vec<u64> = heard
            .iter()
            .copied()
            .filter(|done| done / 100 == sender)
            .collect();
        let sent: Vec<u64> = (0..EACH).map(|number| sender * 100 + number).collect();
        assert_eq!(theirs, sent);
    }
}

fn read(stream: &ChangeStream) -> Vec<u64> {
    let mut heard = Vec::new();
    while let Some(batch) = block_on(stream.next()) {
        heard.extend(batch.events.iter().map(number_of));
    }
    heard
}

#[test]
fn schedules_of_a_stream() {
    explore(|| {
        let broadcaster = Arc::new(Broadcaster::default());
        let stream = broadcaster.stream();
        let reader = thread::spawn(move || read(&stream));
        for sender in senders(&broadcaster) {
            sender.join().unwrap();
        }
        broadcaster.end();
        assert_whole(&reader.join().unwrap());
    });
}

#[test]
fn schedules_of_two_readers_of_one_stream() {
    explore(|| {
        let broadcaster = Arc::new(Broadcaster::default());
        let stream = Arc::new(broadcaster.stream());
        let readers: Vec<_> = (0..2)
            .map(|_| {
                let stream = Arc::clone(&stream);
                thread::spawn(move || read(&stream))
            })
            .collect();
        for sender in senders(&broadcaster) {
            sender.join().unwrap();
        }
        broadcaster.end();
        let mut heard: Vec<u64> = readers
            .into_iter()
            .flat_map(|reader| reader.join().unwrap())
            .collect();
        heard.sort_unstable();
        assert_whole(&heard);
    });
}

#[test]
fn schedules_of_streams_that_come_while_all_ends() {
    explore(|| {
        let broadcaster = Arc::new(Broadcaster::default());
        let late: Vec<_> = (0..2)
            .map(|_| {
                let broadcaster = Arc::clone(&broadcaster);
                thread::spawn(move || read(&broadcaster.stream()))
            })
            .collect();
        let ending = {
            let broadcaster = Arc::clone(&broadcaster);
            thread::spawn(move || broadcaster.end())
        };
        for reader in late {
            assert_eq!(reader.join().unwrap(), Vec::<u64>::new());
        }
        ending.join().unwrap();
        assert_eq!(broadcaster.listeners(), 0);
    });
}

/// What an observer heard, for those who wait for it.
#[derive(Default)]
struct Heard {
    numbers: Mutex<Vec<u64>>,
    more: Condvar,
    within: AtomicBool,
    /// How many observers were let go of.
    gone: AtomicU64,
}

struct Listening(Arc<Heard>);

impl ChangeObserver for Listening {
    fn on_changes(&self, batch: ChangeBatch) -> Result<(), ObserverError> {
        assert!(
            !self.0.within.swap(true, Ordering::SeqCst),
            "called twice at a time"
        );
        let mut numbers = self.0.numbers.lock().unwrap();
        numbers.extend(batch.events.iter().map(number_of));
        self.0.within.store(false, Ordering::SeqCst);
        self.0.more.notify_all();
        Ok(())
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        let _numbers = self.0.numbers.lock().unwrap();
        self.0.gone.fetch_add(1, Ordering::SeqCst);
        self.0.more.notify_all();
    }
}

impl Heard {
    fn until(&self, holds: impl Fn(&[u64]) -> bool) {
        let mut numbers = self.numbers.lock().unwrap();
        while !holds(&numbers) {
            numbers = self.more.wait(numbers).unwrap();
        }
    }
}

#[test]
fn schedules_of_an_observer() {
    explore(|| {
        let broadcaster = Arc::new(Broadcaster::default());
        let heard = Arc::new(Heard::default());
        let subscription = broadcaster.observe(Arc::new(Listening(Arc::clone(&heard))));
        for sender in senders(&broadcaster) {
            sender.join().unwrap();
        }
        heard.until(|numbers| numbers.len() as u64 == SENDERS * EACH);
        assert_whole(&heard.numbers.lock().unwrap());
        broadcaster.end();
        // The end lets go of it.
        heard.until(|_| heard.gone.load(Ordering::SeqCst) == 1);
        assert!(!subscription.is_active());
    });
}

#[test]
fn schedules_of_an_observer_that_is_cancelled() {
    explore(|| {
        let broadcaster = Arc::new(Broadcaster::default());
        let heard = Arc::new(Heard::default());
        let subscription = broadcaster.observe(Arc::new(Listening(Arc::clone(&heard))));
        let senders = senders(&broadcaster);
        subscription.cancel();
        let before = heard.numbers.lock().unwrap().len();
        assert_eq!(broadcaster.listeners(), 0);
        for sender in senders {
            sender.join().unwrap();
        }
        heard.until(|_| heard.gone.load(Ordering::SeqCst) == 1);
        // One call may have been on its way.
        assert!(heard.numbers.lock().unwrap().len() <= before + 1);
    });
}

#[test]
fn schedules_of_a_signal() {
    explore(|| {
        let broadcaster = Arc::new(Broadcaster::default());
        let watching = broadcaster.watch(Interest::ALL);
        let value = Arc::new(AtomicU64::new(0));
        let writers: Vec<_> = (0..SENDERS)
            .map(|_| {
                let (broadcaster, value) = (Arc::clone(&broadcaster), Arc::clone(&value));
                thread::spawn(move || {
                    for _ in 0..EACH {
                        value.fetch_add(1, Ordering::SeqCst);
                        broadcaster.anything();
                    }
                })
            })
            .collect();
        // Whoever looks whenever there is something to see sees the last of it.
        while !sees_all(&watching, &value) {}
        for writer in writers {
            writer.join().unwrap();
        }
        broadcaster.end();
        assert!(!block_on(watching.changed()));
    });
}

/// Waits for a change and looks: whether that was the last.
fn sees_all(watching: &Watching, value: &AtomicU64) -> bool {
    assert!(block_on(watching.changed()));
    watching.seen();
    value.load(Ordering::SeqCst) == SENDERS * EACH
}

#[test]
fn schedules_of_listeners_that_come_and_go() {
    explore(|| {
        let broadcaster = Arc::new(Broadcaster::default());
        let comers: Vec<_> = (0..3)
            .map(|_| {
                let broadcaster = Arc::clone(&broadcaster);
                thread::spawn(move || {
                    let stream = broadcaster.stream();
                    broadcaster.send(event(0, 0));
                    // Its own is there, whoever else sends.
                    assert_eq!(block_on(stream.next()).unwrap().missed, 0);
                })
            })
            .collect();
        for comer in comers {
            comer.join().unwrap();
        }
        assert_eq!(broadcaster.listeners(), 0);
    });
}
