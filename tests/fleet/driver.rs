//! How a process takes one step, driven as the engine drives it: the real planner
//! is told, the real executor does what it asks for on the real store,
//! and the step is held against the promises in `checks`.

use wildthing::model::Timestamp;
use wildthing::seam::Seam as _;
use wildthing::store::StoreError;
use wildthing::store::metadata;
use wildthing::sync::execute::{Outward, execute};
use wildthing::sync::{Ask, Event, Planner, PlannerOptions, Step, SyncError, SyncReport};
use wildthing::transport::TransportError;

use crate::client::{Blame, Doing};
use crate::clock::MILLI;
use crate::model::{Check, broken};
use crate::network::{Flight, Leg};
use crate::world::{World, odd};

impl World {
    pub fn start(&mut self, client: usize, process: usize) -> Check {
        let seed = self.rng.bits();
        let options = PlannerOptions {
            seed,
            asked_for: self.rng.permille(300),
            ..self.clients[client].options.clone()
        };
        let running = &mut self.clients[client].processes[process];
        if !matches!(running.doing, Doing::Idle) {
            return Ok(());
        }
        running.planner = Some(Planner::new(options));
        running.doing = Doing::Ready(Event::Start);
        running.blame = Blame::default();
        running.last_edit = 0;
        running.retried.clear();
        self.note(format_args!("c{client}p{process} start"));
        Ok(())
    }

    /// The process dies: its planner is gone, its lease stays, and what it sent
    /// may still arrive. Whoever comes next has another name.
    pub fn kill(&mut self, client: usize, process: usize) {
        self.note(format_args!("c{client}p{process} killed"));
        if self.clients[client].processes[process].planner.is_some() {
            self.clients[client].haunted_until = self.time.now() + metadata::LEASE_MICROS;
        }
        let dead = &mut self.clients[client].processes[process];
        dead.planner = None;
        dead.doing = Doing::Idle;
        dead.lives += 1;
        dead.owner.id = format!("c{client}p{process}n{}", dead.lives);
    }

    pub fn cancel(&mut self, client: usize, process: usize) -> Check {
        self.cover.hit("fault: cancelled");
        let running = &mut self.clients[client].processes[process];
        running.blame.cancelled = true;
        running.doing = Doing::Ready(Event::Cancel);
        self.note(format_args!("c{client}p{process} cancelled"));
        Ok(())
    }

    /// No answer came in time, or the connection broke.
    pub fn give_up(&mut self, client: usize, process: usize) -> Check {
        let host = "hub".to_owned();
        let error = match self.rng.below(3) {
            0 => TransportError::Timeout { host },
            1 => TransportError::Interrupted {
                host,
                problem: "reset".into(),
            },
            _ => TransportError::Unreachable {
                host,
                problem: "refused".into(),
            },
        };
        let running = &mut self.clients[client].processes[process];
        let asked = match running.doing {
            Doing::Asking(flight) => flight,
            _ => 0,
        };
        running.blame.network = true;
        running.doing = Doing::Ready(Event::TransportFailed(error));
        self.note(format_args!("c{client}p{process} gives up waiting"));
        if self.calm && asked >= self.calm_since {
            return broken("7 liveness", "a request went unanswered though nothing fails");
        }
        Ok(())
    }

    pub fn wake(&mut self, client: usize, process: usize) -> Check {
        let running = &mut self.clients[client].processes[process];
        if let Doing::Waiting(until) = running.doing {
            let ahead = until - self.time.now();
            running.doing = Doing::Ready(Event::Timer);
            self.pass(ahead)?;
        }
        Ok(())
    }

    /// One step: the planner is told, and what it asks for is done.
    pub fn advance(&mut self, client: usize, process: usize) -> Check {
        let draw = (!self.calm).then(|| self.rng.below(1_000));
        let machine = &mut self.clients[client];
        let now = machine.seam.now();
        let running = &mut machine.processes[process];
        let (Doing::Ready(event), Some(planner)) = (
            std::mem::replace(&mut running.doing, Doing::Idle),
            running.planner.as_mut(),
        ) else {
            return Ok(());
        };
        let reconciled = matches!(event, Event::Reconciled(_));
        let step = planner.next(event, now);
        let owner = running.owner.clone();
        let name = step_name(&step);
        let witness = Witness::of(&step);
        if self.verbose
            && let Witness::Page { page } = &witness
        {
            for change in &page.changes {
                println!(
                    "     {} {} on {:?}",
                    change.version.key, change.version.sync_id, change.bases
                );
            }
        }
        let before = self.clients[client].unsent()?;
        let lease = self.clients[client].lease()?;
        let (outcome, struck) = self.clients[client].sabotaged(draw, |store| execute(store, &owner, step));
        if struck.is_none() {
            self.check_step(client, &witness, &before, outcome.as_ref().ok())?;
        } else {
            self.check_nothing_moved(client, &before)?;
        }
        self.observe(client, process, &witness, &lease, outcome.as_ref().ok())?;
        let machine = &mut self.clients[client];
        let running = &mut machine.processes[process];
        let label = match &outcome {
            Ok(event) => event_name(event),
            Err(Outward::Request(ask)) => ask.path.split('?').next().unwrap_or_default(),
            Err(Outward::Wait(_)) => "wait",
            Err(Outward::Over(Ok(_))) => "done",
            Err(Outward::Over(Err(_))) => "failed",
        }
        .to_owned();
        match outcome {
            Ok(Event::StoreFailed(StoreError::Injected { transaction })) => {
                self.cover.hit(&format!("kill in {transaction}"));
                running.blame.store = true;
                running.doing = Doing::Ready(Event::StoreFailed(StoreError::Injected { transaction }));
                // Mostly it was a power cut; at times the disk was full for a moment.
                if self.rng.permille(750) {
                    self.kill(client, process);
                }
            }
            Ok(Event::StoreFailed(error)) => return Err(odd(format!("{name}: {error}"))),
            Ok(event) => running.doing = Doing::Ready(event),
            Err(Outward::Request(Ask { path, body, .. })) => {
                let id = self.next_flight;
                self.next_flight += 1;
                running.doing = Doing::Asking(id);
                let bytes = body.as_ref().map(serde_json::to_vec).transpose().map_err(odd)?;
                let edits = body.as_ref().and_then(|body| body.get("changes")?.as_array());
                let changes = edits.map_or(0, Vec::len);
                if let Some(edges) = edits.filter(|_| reconciled) {
                    self.check_pinned_anew(client, edges)?;
                }
                for change in edits.into_iter().flatten() {
                    let names = [&change["data"]["sync_id"], &change["entity"]["version"]];
                    let edges = change["relationships"].as_array().into_iter().flatten();
                    let names = names.into_iter().chain(edges.map(|edge| &edge["id"]));
                    let names = names.filter_map(serde_json::Value::as_str).map(str::to_owned);
                    self.model.attempted.extend(names);
                }
                let held = !self.calm && self.rng.permille(70);
                if held {
                    self.cover.hit("fault: request delayed");
                }
                self.wire.push(Flight {
                    id,
                    client,
                    process,
                    path,
                    changes,
                    leg: Leg::Out(bytes),
                    held,
                });
            }
            Err(Outward::Wait(millis)) => {
                let until = self.time.now() + i64::try_from(millis).unwrap_or(0) * MILLI;
                running.doing = Doing::Waiting(until);
            }
            Err(Outward::Over(result)) => {
                running.planner = None;
                let blame = running.blame;
                self.check_over(client, process, &result, blame)?;
                self.count_over(&result);
            }
        }
        self.note(format_args!("c{client}p{process} {name} -> {label}"));
        Ok(())
    }

    fn count_over(&mut self, result: &Result<SyncReport, SyncError>) {
        self.cover.hit(match result {
            Ok(_) => "sync: done",
            Err(SyncError::Offline(_)) => "sync: offline",
            Err(SyncError::Server { .. }) => "sync: server error",
            Err(SyncError::Protocol(_)) => "sync: protocol error",
            Err(SyncError::Busy) => "sync: busy",
            Err(SyncError::Store(_)) => "sync: store error",
            Err(_) => "sync: other error",
        });
    }

    /// Counts the rare situations that a step shows, and keeps what a later
    /// check needs of it.
    fn observe(
        &mut self,
        client: usize,
        process: usize,
        witness: &Witness,
        lease: &(Option<String>, Option<Timestamp>),
        outcome: Option<&Event>,
    ) -> Check {
        let machine = &mut self.clients[client];
        let now = machine.seam.now();
        let running = &mut machine.processes[process];
        match outcome {
            Some(Event::Begun(session)) => {
                running.last_edit = session.last_edit;
                running.retried.clear();
                if lease.0.as_ref().is_some_and(|holder| *holder != running.owner.id) {
                    let back = lease
                        .1
                        .is_some_and(|expires| expires > now.plus_micros(metadata::LEASE_MICROS));
                    self.cover.hit(if back {
                        "lease: taken over after the clock stepped back"
                    } else {
                        "lease: taken over after expiry"
                    });
                    if lease.1.is_some_and(|expires| expires > now) && !back {
                        return broken("a running lease is respected", format!("client {client}"));
                    }
                }
            }
            Some(Event::LeaseHeld) => {
                running.blame.rivalry = true;
                self.cover.hit("lease: held by another");
            }
            Some(Event::Overtaken) => {
                running.blame.rivalry = true;
                self.cover.hit(match witness {
                    Witness::Page { .. } => "pull: page dropped, replica moved on",
                    Witness::Settle { .. } | Witness::SettleGraph { .. } => {
                        "push: answer dropped, replica moved on"
                    }
                    Witness::Edges => "edges: listing dropped, replica moved on",
                    _ => "sync: step dropped, replica moved on",
                });
            }
            _ => {}
        }
        Ok(())
    }
}

/// What of a step must be remembered to judge its outcome.
#[derive(Debug)]
pub enum Witness {
    Page {
        page: Box<wildthing::store::pull::Page>,
    },
    Settle {
        items: Vec<wildthing::store::push::PushItem>,
        result: Box<wildthing::protocol::v1::PushResult>,
    },
    SettleGraph {
        items: Vec<wildthing::store::push::PushItem>,
        answer: Box<wildthing::protocol::v2::SyncResponse>,
    },
    Edges,
    Refuse,
    Resync {
        by_epoch: bool,
    },
    Other,
}

impl Witness {
    fn of(step: &Step) -> Self {
        match step {
            Step::ApplyPage(page) => Witness::Page {
                page: Box::new(page.clone()),
            },
            Step::Settle { items, result, .. } => Witness::Settle {
                items: items.clone(),
                result: Box::new(result.clone()),
            },
            Step::SettleGraph { items, answer, .. } => Witness::SettleGraph {
                items: items.clone(),
                answer: answer.clone(),
            },
            Step::ReconcileEdges { .. } => Witness::Edges,
            Step::Refuse { .. } => Witness::Refuse,
            Step::StartResync { identity, .. } => Witness::Resync {
                by_epoch: identity.is_some(),
            },
            _ => Witness::Other,
        }
    }
}

fn step_name(step: &Step) -> &'static str {
    match step {
        Step::Begin => "begin",
        Step::Request { .. } => "ask",
        Step::ApplyPage(_) => "page",
        Step::StartResync { .. } => "resync",
        Step::Prepare { .. } => "prepare",
        Step::Settle { .. } | Step::SettleGraph { .. } => "settle",
        Step::Bind { .. } => "bind",
        Step::Resolve { .. } => "resolve",
        Step::ListDisplaced => "list displaced",
        Step::Inspect { .. } => "inspect",
        Step::ReconcileEdges { .. } => "edges",
        Step::Refuse { .. } => "refuse",
        Step::Wait(_) => "wait",
        Step::Finish(_) => "finish",
        Step::Done(_) => "done",
        Step::Failed(_) => "fail",
    }
}

fn event_name(event: &Event) -> &'static str {
    match event {
        Event::Begun(_) => "begun",
        Event::LeaseHeld => "lease held",
        Event::Applied(_) => "applied",
        Event::ResyncStarted(_) => "resync started",
        Event::Prepared(_) => "prepared",
        Event::Settled(_) => "settled",
        Event::Bound(_) => "bound",
        Event::Displaced(_) => "displaced",
        Event::Reconciled(_) => "reconciled",
        Event::Garbled(_) => "garbled",
        Event::Overtaken => "overtaken",
        Event::Finished => "finished",
        Event::StoreFailed(_) => "store failed",
        _ => "event",
    }
}
