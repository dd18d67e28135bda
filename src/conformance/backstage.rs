//! The clients on a stage: the seam each is opened with, and what it has told. Holds
//! none of them alive.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex, Weak, mpsc};
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;

use super::clock::{Clock, Lot, StageSeam};
use super::lock;
use crate::client::staged::{Director, Watched};
use crate::observe::ChangeEvent;
use crate::seam::{RealSeam, SharedSeam};
use crate::store::metadata;

/// How long the stage waits for what must come.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until `come` says so; false if it never does.
pub(super) fn soon(mut come: impl FnMut() -> bool) -> bool {
    let begun = Instant::now();
    while !come() {
        if begun.elapsed() > PATIENCE {
            return false;
        }
        std::thread::sleep(Duration::from_micros(500));
    }
    true
}

/// The clients.
#[derive(Debug)]
pub(super) struct Backstage {
    clock: Arc<Clock>,
    lots: BTreeMap<String, Lot>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Whose `open` was ordered.
    opening: Option<String>,
    open: BTreeMap<String, Client>,
}

#[derive(Debug)]
struct Client {
    watched: Option<Watched>,
    seam: Weak<StageSeam>,
    /// Events that it told, and that its runner was not asked for.
    due: usize,
    /// How often it told each event, ever.
    told: BTreeMap<&'static str, u64>,
}

impl Backstage {
    pub(super) fn new(clock: Arc<Clock>, lots: BTreeMap<String, Lot>) -> Self {
        Self {
            clock,
            lots,
            state: Mutex::default(),
        }
    }

    pub(super) fn lot(&self, client: &str) -> Option<&Lot> {
        self.lots.get(client)
    }

    pub(super) fn expect_open(&self, client: &str) {
        lock(&self.state).opening = Some(client.to_owned());
    }

    /// Whether the client whose `open` was ordered is open; the order is over.
    pub(super) fn has_opened(&self) -> bool {
        let mut state = lock(&self.state);
        let Some(name) = state.opening.take() else {
            return false;
        };
        let opened = state
            .open
            .get(&name)
            .is_some_and(|client| client.watched.is_some());
        if !opened {
            state.open.remove(&name);
        }
        opened
    }

    pub(super) fn is_open(&self, client: &str) -> bool {
        lock(&self.state).open.contains_key(client)
    }

    pub(super) fn names(&self) -> Vec<String> {
        lock(&self.state).open.keys().cloned().collect()
    }

    /// Hears what every client has told, once all it committed was told.
    pub(super) fn listen(&self) -> bool {
        for name in self.names() {
            let store = {
                let state = lock(&self.state);
                let client = state.open.get(&name).and_then(|client| client.watched.as_ref());
                client.map(|watched| Arc::clone(&watched.store))
            };
            let Some(store) = store else { continue };
            let (tell, told) = mpsc::channel();
            // Whoever gave up waiting is not there to hear.
            store.in_turn(move || {
                let _ = tell.send(());
            });
            if told.recv_timeout(PATIENCE).is_err() {
                return false;
            }
        }
        let mut state = lock(&self.state);
        state.open.values_mut().for_each(Client::listen);
        true
    }

    /// Whether every sync that began has ended.
    pub(super) fn is_quiet(&self) -> bool {
        let state = lock(&self.state);
        state.open.values().all(|client| {
            client.count("sync_started") == client.count("sync_completed") + client.count("sync_failed")
        })
    }

    /// How often a client told an event of this word.
    pub(super) fn told(&self, client: &str, word: &str) -> u64 {
        let state = lock(&self.state);
        state.open.get(client).map_or(0, |client| client.count(word))
    }

    /// Clients with events to tell and how many, which count as asked for; those that
    /// are `busy` are asked later.
    pub(super) fn take_due(&self, busy: &BTreeSet<String>) -> Vec<(String, usize)> {
        let mut state = lock(&self.state);
        let due = state.open.iter_mut().filter(|(name, _)| !busy.contains(*name));
        let due = due.map(|(name, client)| (name.clone(), std::mem::take(&mut client.due)));
        due.filter(|(_, due)| *due > 0).collect()
    }

    /// Whether the replica says that the next sync is due `then`, or can't be asked.
    pub(super) fn has_planned(&self, client: &str, then: i64) -> bool {
        let state = lock(&self.state);
        let Some(client) = state.open.get(client) else {
            return true;
        };
        let Some(watched) = &client.watched else {
            return true;
        };
        match watched.store.read(metadata::get) {
            Ok(found) => found.next_retry_time.is_some_and(|time| time.micros() == then),
            Err(_) => true,
        }
    }

    /// Waits until nothing is left of a client that was let go.
    pub(super) fn see_off(&self, client: &str) -> bool {
        let gone = lock(&self.state).open.remove(client);
        let Some(Client { watched, seam, .. }) = gone else {
            return true;
        };
        drop(watched);
        soon(|| seam.strong_count() == 0)
    }
}

impl Client {
    fn listen(&mut self) {
        let Some(watched) = &self.watched else { return };
        while let Some(Some(batch)) = watched.changes.next().now_or_never() {
            self.due += batch.events.len();
            for event in &batch.events {
                *self.told.entry(ChangeEvent::word(event)).or_default() += 1;
            }
        }
    }

    fn count(&self, word: &str) -> u64 {
        self.told.get(word).copied().unwrap_or(0)
    }
}

impl Director for Backstage {
    fn seam(&self, _path: &Path) -> SharedSeam {
        let mut state = lock(&self.state);
        let lot = state.opening.as_ref().and_then(|name| self.lots.get(name));
        let Some(lot) = lot.cloned() else {
            // Nobody was asked to open anything: the order that comes next tells.
            return RealSeam::shared();
        };
        let name = lot.name.clone();
        let seam = Arc::new(StageSeam {
            clock: Arc::clone(&self.clock),
            lot,
        });
        let client = Client {
            watched: None,
            seam: Arc::downgrade(&seam),
            due: 0,
            told: BTreeMap::new(),
        };
        state.open.insert(name, client);
        seam
    }

    fn opened(&self, watched: Watched) {
        let mut state = lock(&self.state);
        let name = state.opening.clone().unwrap_or_default();
        if let Some(client) = state.open.get_mut(&name) {
            client.watched = Some(watched);
        }
    }
}
