//! Runs planners for real: storage steps on a blocking thread, requests over a
//! transport, waits on the seam's timers. One sync at a time, as `gate` says.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::sync::watch;

use super::execute::{Outward, execute};
use super::gate::{Entry, Gate, Outcomes, Turn, ended};
use super::{Event, Planner, PlannerOptions, SyncError, SyncReport};
use crate::seam::{SharedSeam, Wait};
use crate::store::Store;
use crate::store::metadata::LeaseOwner;
use crate::store::session::SyncEnd;
use crate::transport::{Request, Transport};

/// A finished sync and how long it took.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// Number of the sync; later ones have greater numbers. 0 if there was none.
    pub number: u64,
    /// What it did, or why it could not finish.
    pub result: Result<SyncReport, SyncError>,
    /// From start to end.
    pub took: Duration,
}

/// Hears of a running sync; called with no lock held.
pub trait Progress: Send + Sync {
    /// A sync began.
    fn started(&self);
    /// So many changes were pulled and edits pushed up to now.
    fn progress(&self, pulled: u64, pushed: u64);
    /// It is about to end so: before anybody gets the outcome.
    fn ending(&self, outcome: &Outcome);
    /// It ended; every start has its end. Called in its turn among the commits.
    fn ended(&self, outcome: &Outcome);
}

/// Drives syncs of one replica.
pub struct Engine {
    store: Arc<Store>,
    seam: SharedSeam,
    owner: LeaseOwner,
    gate: Gate<Outcome>,
    progress: Arc<dyn Progress>,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine")
            .field("owner", &self.owner)
            .finish_non_exhaustive()
    }
}

impl Engine {
    /// An engine for a replica. It does nothing until asked.
    pub fn new(store: Arc<Store>, seam: SharedSeam, progress: Arc<dyn Progress>) -> Self {
        let owner = LeaseOwner {
            id: seam.new_id().to_string(),
            pid: Some(std::process::id()),
        };
        Self {
            store,
            seam,
            owner,
            gate: Gate::new(),
            progress,
        }
    }

    /// Syncs over `transport`, or joins the sync that runs. The sync goes on if
    /// the caller stops waiting; [`Engine::cancel`] ends it. One that somebody
    /// asked for looks closer than one that is due: see [`PlannerOptions::asked_for`].
    pub async fn sync(self: &Arc<Self>, transport: Arc<dyn Transport>, asked_for: bool) -> Arc<Outcome> {
        let running = match self.gate.enter() {
            Entry::Begun(turn, running) => {
                tokio::spawn(Arc::clone(self).take(turn, transport, asked_for));
                Some(running)
            }
            Entry::Joined(running) => Some(running),
            Entry::Refused => None,
        };
        let outcome = match running {
            Some(running) => ended(running).await,
            None => None,
        };
        outcome.unwrap_or_else(|| {
            Arc::new(Outcome {
                number: 0,
                result: Err(SyncError::Cancelled),
                took: Duration::ZERO,
            })
        })
    }

    /// Syncs, in its turn.
    async fn take(self: Arc<Self>, turn: Turn<Outcome>, transport: Arc<dyn Transport>, asked_for: bool) {
        self.progress.started();
        let running = AssertUnwindSafe(async {
            let begun = self.seam.now();
            let result = self.run(transport, asked_for, turn.cancelled.clone()).await;
            let micros = self.seam.now().micros().saturating_sub(begun.micros());
            (result, Duration::from_micros(u64::try_from(micros).unwrap_or(0)))
        });
        // Whatever happens, the start that was told gets its end.
        let (result, took) = running
            .catch_unwind()
            .await
            .unwrap_or((Err(SyncError::Panicked), Duration::ZERO));
        if matches!(result, Err(SyncError::Panicked)) {
            self.give_up().await;
        }
        let outcome = Arc::new(Outcome {
            number: turn.number,
            result,
            took,
        });
        self.progress.ending(&outcome);
        // In one turn: whoever hears of the end and asks for another sync
        // gets another, and nothing comes between the end and its telling.
        let progress = Arc::clone(&self.progress);
        self.store.in_turn(move || {
            turn.end(&outcome);
            progress.ended(&outcome);
        });
    }

    /// Ends the sync that runs, if one does: promptly, and with a replica from
    /// which the next one goes on.
    pub fn cancel(&self) {
        self.gate.cancel();
    }

    /// How many syncs began up to now: the number of the last one.
    pub fn begun(&self) -> u64 {
        self.gate.begun()
    }

    /// Follows the outcomes of syncs that end from now on, whoever asked for them.
    pub fn outcomes(&self) -> Outcomes<Outcome> {
        self.gate.outcomes()
    }

    /// Changes when a sync is to end, also if none runs.
    pub fn cancellations(&self) -> watch::Receiver<u64> {
        self.gate.cancellations()
    }

    /// Ends the sync that runs and refuses others until [`Engine::allow`].
    pub async fn stop(&self) {
        self.gate.stop().await;
    }

    /// Takes syncs again after [`Engine::stop`].
    pub fn allow(&self) {
        self.gate.allow();
    }

    /// Completes when no sync runs.
    pub async fn idle(&self) {
        self.gate.idle().await;
    }

    /// Ends in the replica what a panic left unended: the lease would keep every
    /// other process from syncing until it runs out. What panicked once may do so
    /// again, and then it does run out.
    async fn give_up(&self) {
        let (store, owner) = (Arc::clone(&self.store), self.owner.clone());
        let end = SyncEnd::Failure(SyncError::Panicked.to_string());
        let ended = tokio::task::spawn_blocking(move || store.finish_sync(&owner, &end)).await;
        if !matches!(ended, Ok(Ok(()))) {
            tracing::warn!("a sync that panicked keeps its lease until it runs out");
        }
    }

    async fn run(
        &self,
        transport: Arc<dyn Transport>,
        asked_for: bool,
        mut cancelled: watch::Receiver<u64>,
    ) -> Result<SyncReport, SyncError> {
        let seed = self.seam.random_below(u64::MAX);
        let mut planner = Planner::new(PlannerOptions {
            seed,
            asked_for,
            ..PlannerOptions::default()
        });
        let mut event = Event::Start;
        loop {
            let (store, seam, owner) = (
                Arc::clone(&self.store),
                Arc::clone(&self.seam),
                self.owner.clone(),
            );
            let stop = cancelled.clone();
            let advanced = tokio::task::spawn_blocking(move || {
                let outward = advance(&mut planner, event, &store, &*seam, &owner, &stop);
                (planner, outward)
            })
            .await;
            let outward = match advanced {
                Ok((returned, outward)) => {
                    planner = returned;
                    outward
                }
                Err(error) if error.is_panic() => return Err(SyncError::Panicked),
                // The runtime shuts down.
                Err(_) => return Err(SyncError::Cancelled),
            };
            let (pulled, pushed) = planner.progress();
            self.progress.progress(pulled, pushed);
            event = match outward {
                Outward::Over(result) => return result,
                Outward::Wait(millis) => tokio::select! {
                    _ = cancelled.changed() => Event::Cancel,
                    () = self.seam.wait(Wait::Backoff, Duration::from_millis(millis)) => Event::Timer,
                },
                Outward::Request(ask) => {
                    let request = Request {
                        path: ask.path,
                        body: ask.body.map(|body| body.to_string().into_bytes()),
                        listing: ask.listing,
                    };
                    tokio::select! {
                        _ = cancelled.changed() => Event::Cancel,
                        answer = transport.send(request) => match answer {
                            Ok(response) => Event::Response(response),
                            Err(error) => Event::TransportFailed(error),
                        },
                    }
                }
            };
        }
    }
}

/// Feeds the planner and does its storage steps until it needs the network or time.
fn advance(
    planner: &mut Planner,
    mut event: Event,
    store: &Store,
    seam: &dyn crate::seam::Seam,
    owner: &LeaseOwner,
    stop: &watch::Receiver<u64>,
) -> Outward {
    let mut told = false;
    loop {
        if !told && stop.has_changed().unwrap_or(false) {
            event = Event::Cancel;
            told = true;
        }
        match execute(store, owner, planner.next(event, seam.now())) {
            Ok(next) => event = next,
            Err(outward) => return outward,
        }
    }
}
