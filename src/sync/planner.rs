//! The sync planner: a state machine without I/O.
//!
//! Events go in, one step comes out, and exactly one step is outstanding at a
//! time. The same machine runs in the engine, in the simulated fleet and in the
//! scenario runner. Steps 1 and 2 of the protocol are in `pulling`, 3 and 4 in
//! `pushing`; here are the frame, the retries and the end.

use serde_json::Value;

use super::backoff::{Jitter, request_wait};
use super::graph;
use super::graph::edges::Edges;
use super::graph::inspecting::Inspecting;
use super::pulling::Pulling;
use super::pushing::Pushing;
use super::{Ask, Event, Step, SyncError, SyncReport};
use crate::model::{Kind, Timestamp};
use crate::mutant::{self, Mutant};
use crate::protocol::v1::{ACK_PATH, Ack};
use crate::protocol::v2::{PROTOCOL_VERSION, status_path};
use crate::protocol::{Protocol, ProtocolError, decode};
use crate::store::StoreError;
use crate::store::metadata::GraphWatermark;
use crate::store::pull::digest_is_due;
use crate::store::session::{Session, SyncEnd};
use crate::transport::{Response, TransportError};

/// What a planner may be told.
#[derive(Debug, Clone)]
pub struct PlannerOptions {
    /// The kinds to sync.
    pub kinds: Vec<Kind>,
    /// How often a request is tried before the sync fails.
    pub max_tries: u32,
    /// How often the lease is asked for, with growing waits.
    pub max_lease_tries: u32,
    /// Least time between two comparisons of digests, in microseconds.
    pub digest_interval: i64,
    /// Whether somebody asked for this sync: then edges are read in any case.
    pub asked_for: bool,
    /// Seed of the jitter.
    pub seed: u64,
}

impl Default for PlannerOptions {
    fn default() -> Self {
        Self {
            kinds: Kind::V1.to_vec(),
            max_tries: 5,
            max_lease_tries: 60,
            digest_interval: 600 * crate::model::time::SECOND,
            asked_for: true,
            seed: 0,
        }
    }
}

/// The longest `Retry-After` that a sync waits out, in milliseconds.
const MAX_RETRY_AFTER: u64 = 120_000;
/// How often a sync starts over because another process got in between.
const MAX_RESTARTS: u32 = 5;

#[derive(Debug)]
enum State {
    Idle,
    Beginning,
    WaitingForLease,
    Detecting,
    Pulling(Pulling),
    PullingGraph(graph::pulling::Pulling),
    Pushing(Pushing),
    Inspecting(Inspecting),
    ReadingEdges(Edges),
    Acking,
    Finishing(Result<(), SyncError>),
    Over,
}

/// A request on its way, kept so that it can be sent again.
#[derive(Debug)]
struct Outstanding {
    ask: Ask,
    failures: u32,
}

/// What a part of the machine says of an answer. Lives for one call.
#[allow(clippy::large_enum_variant)]
pub(super) enum Next {
    /// Do this.
    Step(Step),
    /// This part is complete.
    Complete,
    /// The sync can't go on.
    Fail(SyncError),
}

impl Next {
    pub(super) fn post(path: &str, body: Value) -> Self {
        Next::Step(Step::Request(Ask {
            path: path.to_owned(),
            body: Some(body),
            listing: false,
        }))
    }

    /// A message whose answer may be as large as a listing.
    pub(super) fn post_for_listing(path: &str, body: Value) -> Self {
        Next::Step(Step::Request(Ask {
            path: path.to_owned(),
            body: Some(body),
            listing: true,
        }))
    }

    pub(super) fn get(path: String) -> Self {
        Next::Step(Step::Request(Ask {
            path,
            body: None,
            listing: false,
        }))
    }

    pub(super) fn listing(path: String) -> Self {
        Next::Step(Step::Request(Ask {
            path,
            body: None,
            listing: true,
        }))
    }
}

/// What the parts of the machine share.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) options: PlannerOptions,
    pub(super) session: Session,
    pub(super) report: SyncReport,
    /// Whether any request of this sync was answered.
    pub(super) in_contact: bool,
    /// Whether the server's digest is wanted, to compare it.
    pub(super) digest_due: bool,
    /// How many full resyncs this sync has begun.
    pub(super) resyncs: u32,
    /// The hub that the pull met, if it names itself.
    pub(super) hub: Option<String>,
}

/// One sync. Made for one run and thrown away.
#[derive(Debug)]
pub struct Planner {
    state: State,
    frame: Frame,
    outstanding: Option<Outstanding>,
    jitter: Jitter,
    lease_tries: u32,
    restarts: u32,
}

impl Planner {
    /// A planner that waits for [`Event::Start`].
    pub fn new(options: PlannerOptions) -> Self {
        let jitter = Jitter::new(options.seed);
        let session = Session {
            client_id: String::new(),
            generation: 0,
            last_edit: 0,
            watermarks: Vec::new(),
            protocol: Protocol::Auto,
            protocol_asked: Protocol::Auto,
            graph: GraphWatermark::default(),
            edges_due: false,
            edges_read_at: None,
            is_empty: true,
            unsure: Vec::new(),
            hub_id: None,
            epoch: None,
            rebind: false,
            resync_active: false,
            digest_checked_at: None,
            digest_mismatches: 0,
        };
        Self {
            state: State::Idle,
            frame: Frame {
                options,
                session,
                report: SyncReport::default(),
                in_contact: false,
                digest_due: true,
                resyncs: 0,
                hub: None,
            },
            outstanding: None,
            jitter,
            lease_tries: 0,
            restarts: 0,
        }
    }

    /// (pulled, pushed) so far.
    pub fn progress(&self) -> (u64, u64) {
        (self.frame.report.pulled, self.frame.report.pushed)
    }

    /// Takes the outcome of the last step and says what to do next. `now` is
    /// the clock's, for the acknowledgement.
    pub fn next(&mut self, event: Event, now: Timestamp) -> Step {
        match event {
            Event::Cancel => self.finish(Err(SyncError::Cancelled)),
            Event::StoreFailed(error) => self.store_failed(error),
            Event::Overtaken => self.start_over(),
            Event::LeaseHeld => self.wait_for_lease(),
            Event::Timer => self.timer(),
            Event::Finished => self.over(),
            Event::TransportFailed(error) => self.transport_failed(error, now),
            Event::Response(response) => self.response(response, now),
            Event::Start => {
                self.state = State::Beginning;
                Step::Begin
            }
            Event::Begun(session) => {
                self.frame.digest_due = digest_is_due(
                    session.digest_checked_at,
                    session.digest_mismatches,
                    self.frame.options.digest_interval,
                    now,
                );
                self.frame.session = session;
                let session = &self.frame.session;
                let open = session.protocol == Protocol::Auto
                    || (session.rebind && session.protocol_asked == Protocol::Auto);
                if open {
                    self.state = State::Detecting;
                    let ask = Next::get(status_path(&self.frame.session.client_id));
                    return self.follow(ask, now);
                }
                self.set_out(now)
            }
            Event::Bound(generation) => {
                self.frame.session.generation = generation;
                self.set_out(now)
            }
            Event::Garbled(error) => self.finish(Err(SyncError::Protocol(error))),
            Event::Applied(report) => self.part(now, |state, frame| match state {
                State::Pulling(pulling) => pulling.applied(frame, report),
                State::PullingGraph(pulling) => pulling.applied(frame, report),
                _ => out_of_turn(),
            }),
            Event::Displaced(versions) => self.part(now, |state, _| match state {
                State::Inspecting(inspecting) => inspecting.listed(versions),
                _ => out_of_turn(),
            }),
            Event::Reconciled(report) => self.part(now, |state, frame| match state {
                State::ReadingEdges(edges) => edges.reconciled(frame, report),
                _ => out_of_turn(),
            }),
            Event::ResyncStarted(generation) => {
                self.frame.session.generation = generation;
                self.frame.session.watermarks.clear();
                self.frame.session.graph = GraphWatermark::default();
                self.frame.session.edges_due = true;
                self.frame.session.resync_active = true;
                if std::mem::take(&mut self.frame.session.rebind) {
                    self.frame.session.hub_id = None;
                    self.frame.session.epoch = None;
                }
                self.frame.resyncs += 1;
                self.pull(now)
            }
            Event::Prepared(batch) => self.part(now, |state, frame| match state {
                State::Pushing(pushing) => pushing.prepared(frame, batch),
                _ => out_of_turn(),
            }),
            Event::Settled(report) => self.part(now, |state, frame| match state {
                State::Pushing(pushing) => pushing.settled(frame, report),
                State::Inspecting(inspecting) => inspecting.settled(frame, report),
                _ => out_of_turn(),
            }),
        }
    }

    /// The protocol is known: everything anew if the replica moves, else what is new.
    fn set_out(&mut self, now: Timestamp) -> Step {
        let session = &self.frame.session;
        let used = !session.watermarks.is_empty() || session.graph != GraphWatermark::default();
        if session.rebind && used {
            return Step::StartResync {
                generation: session.generation,
                identity: None,
            };
        }
        self.pull(now)
    }

    fn pull(&mut self, now: Timestamp) -> Step {
        let next = match self.frame.session.protocol {
            Protocol::V2 => {
                let (pulling, next) = graph::pulling::Pulling::start(&self.frame);
                self.state = State::PullingGraph(pulling);
                next
            }
            _ => {
                let (pulling, next) = Pulling::start(&mut self.frame);
                self.state = State::Pulling(pulling);
                next
            }
        };
        self.follow(next, now)
    }

    /// What the server said to the question what it speaks.
    fn detected(&mut self, response: &Response) -> Next {
        let found = match response.status {
            200 => match speaks_v2(&response.body) {
                Ok(()) => Protocol::V2,
                Err(error) => return Next::Fail(SyncError::Protocol(error)),
            },
            404 => Protocol::V1,
            _ => return Next::Fail(server_error(response)),
        };
        let session = &mut self.frame.session;
        let held = std::mem::replace(&mut session.protocol, found);
        match (held, found) {
            (Protocol::V2, Protocol::V1) => Next::Fail(SyncError::OtherServer {
                expected: "(a server with a graph)".into(),
                found: "a server without one".into(),
            }),
            (held, found) if held == found => Next::Complete,
            _ => Next::Step(Step::Bind {
                generation: session.generation,
                protocol: found,
            }),
        }
    }

    /// Lets the current part answer, and follows.
    fn part(&mut self, now: Timestamp, answer: impl FnOnce(&mut State, &mut Frame) -> Next) -> Step {
        let next = answer(&mut self.state, &mut self.frame);
        self.follow(next, now)
    }

    fn follow(&mut self, next: Next, now: Timestamp) -> Step {
        match next {
            Next::Step(Step::Request(ask)) => {
                self.outstanding = Some(Outstanding {
                    ask: ask.clone(),
                    failures: 0,
                });
                Step::Request(ask)
            }
            Next::Step(step) => step,
            Next::Fail(error) => self.finish(Err(error)),
            Next::Complete => match self.state {
                State::Detecting => self.set_out(now),
                State::Pulling(_) | State::PullingGraph(_) => {
                    let (pushing, next) = Pushing::start(&mut self.frame);
                    self.state = State::Pushing(pushing);
                    self.follow(next, now)
                }
                State::Pushing(_) if self.frame.session.protocol == Protocol::V2 => {
                    let (inspecting, next) = Inspecting::start();
                    self.state = State::Inspecting(inspecting);
                    self.follow(next, now)
                }
                State::Inspecting(_) => {
                    let (edges, next) = Edges::start(&self.frame, now);
                    self.state = State::ReadingEdges(edges);
                    self.follow(next, now)
                }
                State::Pushing(_) => {
                    self.state = State::Acking;
                    let ack = Ack {
                        client_id: self.frame.session.client_id.clone(),
                        sync_completed_at: now,
                    };
                    self.follow(Next::post(ACK_PATH, ack.encode()), now)
                }
                _ => self.finish(Ok(())),
            },
        }
    }

    fn response(&mut self, response: Response, now: Timestamp) -> Step {
        self.frame.in_contact = true;
        if matches!(self.state, State::Acking) {
            // The acknowledgement's loss is harmless (protocol, step 5).
            return self.finish(Ok(()));
        }
        match response.status {
            401 | 403 => self.finish(Err(SyncError::NeedsAuth {
                status: response.status,
            })),
            429 | 502 | 503 | 504 => {
                let after = response
                    .retry_after
                    .map(|wait| u64::try_from(wait.as_millis()).unwrap_or(u64::MAX));
                let retry_after = after.unwrap_or(0);
                let error = SyncError::Server {
                    status: response.status,
                    detail: words(&response),
                    retry_after,
                };
                self.retry(error, after)
            }
            _ if matches!(self.state, State::Detecting) => {
                let next = self.detected(&response);
                self.follow(next, now)
            }
            _ => self.part(now, |state, frame| match state {
                State::Pulling(pulling) => pulling.response(frame, &response),
                State::PullingGraph(pulling) => pulling.response(frame, &response),
                State::Pushing(pushing) => pushing.response(frame, &response),
                State::Inspecting(inspecting) => inspecting.response(frame, &response),
                State::ReadingEdges(edges) => edges.response(frame, response),
                _ => out_of_turn(),
            }),
        }
    }

    fn transport_failed(&mut self, error: TransportError, now: Timestamp) -> Step {
        if matches!(self.state, State::Acking) {
            return self.finish(Ok(()));
        }
        match error {
            // Who can't be reached at first contact is offline: the caller learns it at once.
            TransportError::Unreachable { .. } if !self.frame.in_contact => {
                self.give_up(SyncError::Offline(error))
            }
            TransportError::Unreachable { .. }
            | TransportError::Timeout { .. }
            | TransportError::Interrupted { .. } => self.retry(SyncError::Offline(error), None),
            TransportError::TooLarge { .. } if matches!(self.state, State::Inspecting(_)) => {
                self.part(now, |state, frame| match state {
                    State::Inspecting(inspecting) => inspecting.unreadable(frame),
                    _ => out_of_turn(),
                })
            }
            _ => self.finish(Err(SyncError::Transport(error))),
        }
    }

    /// Sends the request again after a wait, or gives up.
    fn retry(&mut self, error: SyncError, retry_after: Option<u64>) -> Step {
        let Some(outstanding) = &mut self.outstanding else {
            return self.finish(Err(error));
        };
        outstanding.failures += 1;
        if let State::Pushing(pushing) = &mut self.state {
            pushing.sent_again();
        }
        if outstanding.failures >= self.frame.options.max_tries
            || retry_after.is_some_and(|wait| wait > MAX_RETRY_AFTER)
        {
            return self.give_up(error);
        }
        let jittered = request_wait(outstanding.failures, &mut self.jitter);
        Step::Wait(retry_after.unwrap_or(0).max(jittered))
    }

    fn give_up(&mut self, error: SyncError) -> Step {
        if mutant::active(Mutant::SwallowedError) {
            return self.finish(Ok(()));
        }
        self.finish(Err(error))
    }

    fn timer(&mut self) -> Step {
        match (&self.state, &self.outstanding) {
            (State::WaitingForLease, _) => {
                self.state = State::Beginning;
                Step::Begin
            }
            (_, Some(outstanding)) => Step::Request(outstanding.ask.clone()),
            _ => self.finish(Err(SyncError::Cancelled)),
        }
    }

    fn wait_for_lease(&mut self) -> Step {
        self.lease_tries += 1;
        if self.lease_tries >= self.frame.options.max_lease_tries {
            // The lease is not ours, so there is nothing to give back.
            self.state = State::Over;
            return Step::Failed(SyncError::Busy);
        }
        self.state = State::WaitingForLease;
        Step::Wait(50 + self.jitter.up_to(100 * u64::from(self.lease_tries.min(10))))
    }

    fn start_over(&mut self) -> Step {
        self.restarts += 1;
        self.outstanding = None;
        if self.restarts > MAX_RESTARTS {
            return self.finish(Err(SyncError::Busy));
        }
        self.state = State::Beginning;
        Step::Begin
    }

    fn store_failed(&mut self, error: StoreError) -> Step {
        match self.state {
            State::Finishing(_) => {
                self.state = State::Over;
                Step::Failed(SyncError::Store(error))
            }
            _ => self.finish(Err(SyncError::Store(error))),
        }
    }

    fn finish(&mut self, outcome: Result<(), SyncError>) -> Step {
        self.outstanding = None;
        let end = match &outcome {
            Ok(()) => SyncEnd::Success,
            Err(error) => SyncEnd::Failure(error.to_string()),
        };
        self.state = State::Finishing(outcome);
        Step::Finish(end)
    }

    fn over(&mut self) -> Step {
        match std::mem::replace(&mut self.state, State::Over) {
            State::Finishing(Err(error)) => Step::Failed(error),
            State::Finishing(Ok(())) => Step::Done(std::mem::take(&mut self.frame.report)),
            _ => Step::Failed(SyncError::Cancelled),
        }
    }
}

/// An event that no driver of ours sends in this state.
fn out_of_turn() -> Next {
    Next::Fail(SyncError::Cancelled)
}

/// Whether a server says that it speaks v2.
fn speaks_v2(body: &[u8]) -> Result<(), ProtocolError> {
    let mut object = decode::message(body)?;
    match decode::required_text(&mut object, "protocol_version")? {
        version if version == PROTOCOL_VERSION => Ok(()),
        other => Err(ProtocolError::Field {
            path: "protocol_version".into(),
            expected: PROTOCOL_VERSION,
            found: other.chars().take(40).collect(),
        }),
    }
}

/// An answer that was not hoped for, as the end of a sync.
pub(super) fn server_error(response: &Response) -> SyncError {
    SyncError::Server {
        status: response.status,
        detail: words(response),
        retry_after: 0,
    }
}

/// The server's words, shortened, for an error.
pub(super) fn words(response: &Response) -> String {
    let text = String::from_utf8_lossy(&response.body);
    let detail = serde_json::from_str::<Value>(&text).ok().and_then(|value| {
        value
            .get("detail")
            .map(|detail| detail.as_str().map_or(detail.to_string(), str::to_owned))
    });
    detail
        .unwrap_or_else(|| text.trim().to_owned())
        .chars()
        .take(200)
        .collect()
}
