//! Pulling a graph: pages by cursor, until there is none.

use super::messages;
use crate::model::{Kind, Timestamp};
use crate::mutant::{self, Mutant};
use crate::protocol::ProtocolError;
use crate::protocol::v1::{Operation, WireChange};
use crate::protocol::v2::{Change, ChangeType, SYNC_PATH, SyncResponse, entity_record};
use crate::store::graph::pull::GraphPage;
use crate::store::metadata::GraphWatermark;
use crate::store::pull::{Page, PageReport};
use crate::sync::planner::{Frame, Next, server_error};
use crate::sync::{Problem, Step, SyncError};
use crate::transport::Response;

/// How far back the server's time is believed, in microseconds: rows are stamped
/// before they are committed, so that a page may come without an earlier row.
const OVERLAP: i64 = 60 * crate::model::time::SECOND;
/// How often a sync asks for everything because the server's clock stepped back.
const MAX_RESYNCS: u32 = 3;
/// The cursor before everything.
const FROM_THE_BEGINNING: &str = "0";

#[derive(Debug)]
pub(in crate::sync) struct Pulling {
    /// Where the page that was asked for begins; `None` if it was asked for by time.
    asked: Option<String>,
    /// The server's time of the first page of this loop.
    first: Option<Timestamp>,
    /// Where the next page begins.
    next: Option<String>,
}

impl Pulling {
    pub(in crate::sync) fn start(frame: &Frame) -> (Self, Next) {
        let mark = &frame.session.graph;
        let pulling = match (&mark.cursor, mark.server_time) {
            // A loop that was cut off goes on.
            (Some(cursor), first) => Pulling {
                asked: Some(cursor.clone()),
                first,
                next: None,
            },
            (None, Some(_)) => Pulling {
                asked: None,
                first: None,
                next: None,
            },
            (None, None) => Pulling {
                asked: Some(FROM_THE_BEGINNING.to_owned()),
                first: None,
                next: None,
            },
        };
        let next = pulling.ask(frame);
        (pulling, next)
    }

    fn ask(&self, frame: &Frame) -> Next {
        let since = match self.asked {
            Some(_) => None,
            None => frame.session.graph.server_time.map(with_overlap),
        };
        // A server fixes how many entities are on a page, not how large they are.
        Next::post_for_listing(SYNC_PATH, messages::pull(frame, self.asked.clone(), since))
    }

    pub(in crate::sync) fn response(&mut self, frame: &mut Frame, response: &Response) -> Next {
        if response.status != 200 {
            return Next::Fail(server_error(response));
        }
        match SyncResponse::decode(&response.body) {
            Ok(answer) => self.page(frame, answer),
            Err(error) => Next::Fail(SyncError::Protocol(error)),
        }
    }

    fn page(&mut self, frame: &mut Frame, answer: SyncResponse) -> Next {
        let known = frame.session.graph.server_time.max(self.first);
        if known.is_some_and(|known| answer.server_time < known) {
            return start_over(frame);
        }
        if let Some(problem) = self.stuck(answer.cursor.as_deref()) {
            return Next::Fail(SyncError::Protocol(problem));
        }
        let first = *self.first.get_or_insert(answer.server_time);
        self.next = answer.cursor;
        let (changes, problems) = records(answer.changes);
        frame.report.problems.extend(problems);
        let last = self.next.is_none();
        Next::Step(Step::ApplyPage(Page {
            generation: frame.session.generation,
            kinds: Vec::new(),
            server_time: answer.server_time,
            changes,
            conflicts: Vec::new(),
            identity: None,
            completes_resync: last && frame.session.resync_active,
            digest: if last { answer.state_digest } else { None },
            digest_interval: frame.options.digest_interval,
            graph: Some(GraphPage {
                watermark: GraphWatermark {
                    server_time: Some(first),
                    cursor: self.next.clone(),
                },
                kinds_may_differ: !frame.session.is_empty,
            }),
        }))
    }

    /// A cursor that does not move would be followed for ever.
    fn stuck(&self, next: Option<&str>) -> Option<ProtocolError> {
        let (asked, next) = (self.asked.as_deref()?, next?);
        let number = |cursor: &str| cursor.parse::<u64>().ok();
        let moved = match (number(asked), number(next)) {
            (Some(asked), Some(next)) => next > asked,
            _ => next != asked,
        };
        (!moved).then(|| ProtocolError::Field {
            path: "cursor".into(),
            expected: "a later one than was asked for",
            found: next.chars().take(40).collect(),
        })
    }

    pub(in crate::sync) fn applied(&mut self, frame: &mut Frame, report: PageReport) -> Next {
        frame.session.generation = report.generation;
        // What comes again, since it is asked for with an overlap, changes nothing.
        frame.session.edges_due |= report.edges_due;
        frame.report.pulled += report.pulled;
        frame.report.conflicts.extend(report.conflicts);
        frame.session.graph = GraphWatermark {
            server_time: self.first,
            cursor: self.next.clone(),
        };
        match self.next.take() {
            Some(cursor) => {
                self.asked = Some(cursor);
                self.ask(frame)
            }
            None if report.wants_resync && frame.resyncs == 0 => start_over(frame),
            None => Next::Complete,
        }
    }
}

fn with_overlap(time: Timestamp) -> Timestamp {
    if mutant::active(Mutant::SinceWithoutOverlap) {
        return time;
    }
    time.plus_micros(-OVERLAP)
}

/// Asks for everything anew: what the server's time said before is void.
fn start_over(frame: &Frame) -> Next {
    if frame.resyncs >= MAX_RESYNCS {
        return Next::Fail(SyncError::Server {
            status: 200,
            detail: "the server's clock stepped back while this sync asked for everything".into(),
            retry_after: 0,
        });
    }
    Next::Step(Step::StartResync {
        generation: frame.session.generation,
        identity: None,
    })
}

/// Served entities as changes, and what can't be one. A server takes ids that have
/// no place here; one such entity must not keep all others away.
fn records(changes: Vec<Change>) -> (Vec<WireChange>, Vec<Problem>) {
    let (mut records, mut problems) = (Vec::with_capacity(changes.len()), Vec::new());
    for change in changes {
        let Some(entity) = change.entity else { continue };
        let (id, kind) = (entity.id.clone(), Kind::of_entity_type(&entity.entity_type));
        match entity_record(change.change_type, entity) {
            Ok((version, bases)) => records.push(WireChange {
                operation: match change.change_type {
                    ChangeType::Create => Operation::Create,
                    ChangeType::Update => Operation::Update,
                    ChangeType::Delete => Operation::Delete,
                },
                version,
                bases,
            }),
            Err(problem) => problems.push(Problem {
                kind,
                id: Some(id.chars().take(80).collect()),
                code: "unusable".into(),
                detail: format!("an entity of the server can't be kept here: {problem}"),
            }),
        }
    }
    (records, problems)
}
