//! Steps 1 and 2 of the protocol: fetch the server's changes and apply them,
//! page by page. A part of the planner; no I/O.

use std::collections::VecDeque;

use super::planner::{Frame, Next, server_error};
use super::{Problem, Step, SyncError};
use crate::model::{Kind, Timestamp};
use crate::protocol::ProtocolError;
use crate::protocol::v1::{Delta, REQUEST_PATH, SyncRequest};
use crate::store::pull::{Page, PageReport};
use crate::transport::Response;

/// How often a sync asks for everything because the server's database was replaced.
const MAX_RESYNCS: u32 = 3;

/// Kinds that are asked for together.
#[derive(Debug, Clone, PartialEq)]
struct Group {
    kinds: Vec<Kind>,
    last_sync: Option<Timestamp>,
    /// Whether the answer tells everything since the watermark, which then moves.
    moves_watermark: bool,
}

#[derive(Debug)]
pub(super) struct Pulling {
    waiting: VecDeque<Group>,
    current: Group,
    /// Whether the page being applied is followed by another.
    more: bool,
    /// How many groups were answered whole.
    answered: usize,
    last_failure: Option<SyncError>,
}

impl Pulling {
    pub(super) fn start(frame: &mut Frame) -> (Self, Next) {
        let mut pulling = Pulling {
            waiting: groups(frame),
            current: Group {
                kinds: Vec::new(),
                last_sync: None,
                moves_watermark: true,
            },
            more: false,
            answered: 0,
            last_failure: None,
        };
        let next = pulling.next_group(frame);
        (pulling, next)
    }

    fn next_group(&mut self, frame: &Frame) -> Next {
        match self.waiting.pop_front() {
            Some(group) => {
                self.current = group;
                self.ask(frame)
            }
            None => match (self.answered, self.last_failure.take()) {
                (0, Some(error)) => Next::Fail(error),
                _ => Next::Complete,
            },
        }
    }

    fn ask(&self, frame: &Frame) -> Next {
        let request = SyncRequest {
            client_id: frame.session.client_id.clone(),
            last_sync: self.current.last_sync,
            kinds: self.current.kinds.clone(),
            include_deleted: true,
            // Another server may not know the word.
            state_digest: frame.digest_due || frame.session.hub_id.is_none(),
        };
        Next::post(REQUEST_PATH, request.encode())
    }

    pub(super) fn response(&mut self, frame: &mut Frame, response: &Response) -> Next {
        match response.status {
            200 => match Delta::decode(&response.body) {
                Ok(delta) => self.delta(frame, delta),
                Err(error) => Next::Fail(SyncError::Protocol(error)),
            },
            500 => self.refused(frame, response),
            _ => Next::Fail(server_error(response)),
        }
    }

    /// FunkyGibbon 0.1 answers 500 for some kinds: each is asked for alone, and
    /// what answers is taken.
    fn refused(&mut self, frame: &mut Frame, response: &Response) -> Next {
        let error = server_error(response);
        if let [kind] = self.current.kinds.as_slice() {
            frame.report.problems.push(Problem {
                kind: kind.clone(),
                id: None,
                code: "server_error".into(),
                detail: format!("the server can't list {}: {error}", kind.plural()),
            });
            self.last_failure = Some(error);
            return self.next_group(frame);
        }
        for kind in self.current.kinds.iter().rev() {
            self.waiting.push_front(Group {
                kinds: vec![kind.clone()],
                ..self.current.clone()
            });
        }
        self.next_group(frame)
    }

    fn delta(&mut self, frame: &mut Frame, delta: Delta) -> Next {
        let identity = match (delta.hub_id, delta.epoch) {
            (Some(hub_id), Some(epoch)) => Some((hub_id, epoch)),
            _ => None,
        };
        if let Some(step) = self.check_identity(frame, identity.as_ref(), delta.server_time) {
            return step;
        }
        if delta.more
            && self
                .current
                .last_sync
                .is_some_and(|last| delta.server_time <= last)
        {
            return Next::Fail(SyncError::Protocol(ProtocolError::Field {
                path: "server_time".into(),
                expected: "a later time than the page before, since more pages follow",
                found: delta.server_time.to_string(),
            }));
        }
        frame.hub = identity.as_ref().map(|(hub_id, _)| hub_id.clone());
        self.more = delta.more;
        self.current.last_sync = Some(delta.server_time);
        let whole = self.current.kinds == frame.options.kinds && !delta.more;
        Next::Step(Step::ApplyPage(Page {
            generation: frame.session.generation,
            kinds: match self.current.moves_watermark {
                true => self.current.kinds.clone(),
                false => Vec::new(),
            },
            server_time: delta.server_time,
            changes: delta.changes,
            conflicts: delta.conflicts,
            identity,
            completes_resync: whole && frame.session.resync_active,
            digest: if whole { delta.state_digest } else { None },
            digest_interval: frame.options.digest_interval,
            graph: None,
        }))
    }

    /// Another server is an error (a move that was asked for has cleared what was
    /// known of the old one); another life of the same hub, or a hub that went
    /// back in time, is asked for everything anew.
    fn check_identity(
        &self,
        frame: &mut Frame,
        identity: Option<&(String, String)>,
        server_time: Timestamp,
    ) -> Option<Next> {
        const NAMELESS: &str = "(a server that does not name itself)";
        let session = &frame.session;
        let other = |expected: &str, found: &str| {
            let (expected, found) = (expected.to_owned(), found.to_owned());
            Some(Next::Fail(SyncError::OtherServer { expected, found }))
        };
        let (known_hub, hub_id, epoch) = match (&session.hub_id, identity) {
            (None, None) => return None,
            (None, Some(_)) if session.watermarks.is_empty() => return None,
            (None, Some((hub_id, _))) => return other(NAMELESS, hub_id),
            (Some(known), None) => return other(known, NAMELESS),
            (Some(known), Some((hub_id, epoch))) => (known, hub_id, epoch),
        };
        if known_hub != hub_id {
            return other(known_hub, hub_id);
        }
        let went_back = self.current.last_sync.is_some_and(|last| server_time < last);
        if session.epoch.as_ref() == Some(epoch) && !went_back {
            return None;
        }
        if frame.resyncs >= MAX_RESYNCS {
            // Asking for everything again could go on for ever: the next sync does it.
            return Some(Next::Fail(SyncError::Server {
                status: 200,
                detail: "the server's database was replaced while this sync asked for all of it".into(),
                retry_after: 0,
            }));
        }
        let identity = (hub_id.clone(), epoch.clone());
        let generation = session.generation;
        frame.session.epoch = Some(epoch.clone());
        Some(Next::Step(Step::StartResync {
            generation,
            identity: Some(identity),
        }))
    }

    pub(super) fn applied(&mut self, frame: &mut Frame, report: PageReport) -> Next {
        frame.session.generation = report.generation;
        frame.report.pulled += report.pulled;
        frame.report.conflicts.extend(report.conflicts);
        if report.wants_resync && frame.resyncs == 0 {
            return Next::Step(Step::StartResync {
                generation: report.generation,
                identity: None,
            });
        }
        if self.more {
            return self.ask(frame);
        }
        self.answered += 1;
        self.next_group(frame)
    }
}

/// Kinds with a watermark are asked for together from the least of them, kinds
/// without one together from the beginning: usually one request. What comes
/// twice so is applied twice, which changes nothing.
fn groups(frame: &Frame) -> VecDeque<Group> {
    let watermark = |kind: &Kind| {
        frame
            .session
            .watermarks
            .iter()
            .find(|(known, _)| known == kind)
            .map(|(_, server_time)| *server_time)
    };
    let (known, unknown): (Vec<Kind>, Vec<Kind>) = frame
        .options
        .kinds
        .iter()
        .cloned()
        .partition(|kind| watermark(kind).is_some());
    let least = known.iter().filter_map(watermark).min();
    let group = |kinds: Vec<Kind>, last_sync| Group {
        kinds,
        last_sync,
        moves_watermark: true,
    };
    // A server that lists by edit time no longer lists an edit from before the
    // watermark. It may give out only a part of what is newer than that edit, so
    // its answer does not move the watermark.
    let looks_back = frame.session.unsure.iter().map(|(kind, edited)| Group {
        kinds: vec![kind.clone()],
        last_sync: Some(edited.plus_micros(-1)),
        moves_watermark: false,
    });
    [group(known, least), group(unknown, None)]
        .into_iter()
        .chain(looks_back)
        .filter(|group| !group.kinds.is_empty())
        .collect()
}
