//! Steps 3 and 4 of the protocol: push local edits in batches and settle the
//! answers. A part of the planner; no I/O.

use std::collections::VecDeque;

use super::graph::messages;
use super::planner::{Frame, Next, server_error, words};
use super::{Problem, Step, SyncError};
use crate::protocol::Protocol;
use crate::protocol::v1::{PUSH_PATH, PushChange, PushRequest, PushResult};
use crate::protocol::v2::{SYNC_PATH, SyncResponse, entity_path, version_path};
use crate::store::graph::push::Luggage;
use crate::store::graph::verdict::Lookup;
use crate::store::outbox::{PushPosition, SentEdit};
use crate::store::push::{Batch, PushItem, Refusal, SettleReport};
use crate::transport::Response;

#[derive(Debug)]
pub(super) struct Pushing {
    position: PushPosition,
    last_edit: Option<i64>,
    /// Parts of the last batch that are still to be sent.
    parts: VecDeque<Vec<PushItem>>,
    current: Vec<PushItem>,
    /// What a graph's server is still to be asked of the part before.
    lookups: VecDeque<Lookup>,
}

impl Pushing {
    pub(super) fn start(frame: &mut Frame) -> (Self, Next) {
        let pushing = Pushing {
            position: PushPosition {
                rank: -1,
                edit_seq: 0,
            },
            last_edit: None,
            parts: VecDeque::new(),
            current: Vec::new(),
            lookups: VecDeque::new(),
        };
        let next = pushing.prepare(frame);
        (pushing, next)
    }

    fn prepare(&self, frame: &Frame) -> Next {
        Next::Step(Step::Prepare {
            generation: frame.session.generation,
            after: self.position,
            last_edit: self.last_edit,
        })
    }

    pub(super) fn prepared(&mut self, frame: &mut Frame, batch: Batch) -> Next {
        let moved = batch.position != self.position;
        self.position = batch.position;
        self.last_edit = Some(batch.last_edit);
        frame
            .report
            .problems
            .extend(batch.failures.into_iter().map(Problem::from));
        if batch.items.is_empty() {
            // Nothing to send, but perhaps only because what came first can't be sent at all.
            return if moved {
                self.prepare(frame)
            } else {
                Next::Complete
            };
        }
        self.parts.push_back(batch.items);
        self.next_part(frame)
    }

    fn next_part(&mut self, frame: &Frame) -> Next {
        let Some(items) = self.parts.pop_front() else {
            return self.prepare(frame);
        };
        let next = match frame.session.protocol {
            Protocol::V2 => Next::post(SYNC_PATH, messages::push(frame, &items)),
            _ => {
                let request = PushRequest {
                    client_id: frame.session.client_id.clone(),
                    changes: items.iter().map(|item| item.change.clone()).collect(),
                };
                Next::post(PUSH_PATH, request.encode())
            }
        };
        self.current = items;
        next
    }

    pub(super) fn response(&mut self, frame: &mut Frame, response: &Response) -> Next {
        if let Some(lookup) = self.lookups.pop_front() {
            return self.looked_up(frame, lookup, response);
        }
        let items = std::mem::take(&mut self.current);
        let generation = frame.session.generation;
        match response.status {
            200 => match frame.session.protocol {
                Protocol::V2 => SyncResponse::decode(&response.body)
                    .map_err(SyncError::Protocol)
                    .map(|answer| Step::SettleGraph {
                        generation,
                        items,
                        answer: Box::new(answer),
                    }),
                _ => ours(frame, &response.body).map(|result| Step::Settle {
                    generation,
                    items,
                    result,
                }),
            }
            .map_or_else(Next::Fail, Next::Step),
            400 | 413 | 422 | 500 if items.len() > 1 => {
                // One of them is bad: halve until it stands alone.
                let mut front = items;
                front.iter_mut().for_each(|item| item.luggage.again = true);
                let back = front.split_off(front.len() / 2);
                self.parts.push_front(back);
                self.parts.push_front(front);
                self.next_part(frame)
            }
            400 | 413 | 422 | 500 if items.iter().any(|item| !item.luggage.before.is_empty()) => {
                // The edit or one that was sent before it: each answers for itself.
                for item in items.into_iter().rev() {
                    for part in one_by_one(item).into_iter().rev() {
                        self.parts.push_front(vec![part]);
                    }
                }
                self.next_part(frame)
            }
            status @ (400 | 413 | 422 | 500) => match items.into_iter().next() {
                Some(item) => {
                    let refusal = Refusal {
                        status,
                        detail: words(response),
                    };
                    Next::Step(Step::Refuse {
                        generation,
                        item,
                        refusal,
                    })
                }
                None => Next::Fail(server_error(response)),
            },
            _ => Next::Fail(server_error(response)),
        }
    }

    /// The request failed and is sent again: it may have come through all the same.
    pub(super) fn sent_again(&mut self) {
        for item in &mut self.current {
            item.luggage.again = true;
        }
    }

    pub(super) fn settled(&mut self, frame: &mut Frame, report: SettleReport) -> Next {
        frame.session.generation = report.generation;
        frame.report.pushed += report.settled;
        frame.report.conflicts.extend(report.conflicts);
        frame
            .report
            .problems
            .extend(report.failures.into_iter().map(Problem::from));
        self.lookups.extend(report.lookups);
        self.next_lookup(frame)
    }

    fn next_lookup(&mut self, frame: &Frame) -> Next {
        match self.lookups.front() {
            Some(lookup) => ask(lookup),
            None => self.next_part(frame),
        }
    }

    fn looked_up(&mut self, frame: &mut Frame, lookup: Lookup, response: &Response) -> Next {
        let found = match response.status {
            200 => messages::entity(&response.body).map_err(|error| error.to_string()),
            404 => {
                return Next::Step(Step::Resolve {
                    generation: frame.session.generation,
                    lookup: Box::new(lookup),
                    found: None,
                });
            }
            _ => Err(server_error(response).to_string()),
        };
        match found {
            Ok(found) => Next::Step(Step::Resolve {
                generation: frame.session.generation,
                lookup: Box::new(lookup),
                found: Some(Box::new(found)),
            }),
            Err(problem) => {
                // It is asked again by the next sync, and nothing else waits for it.
                frame
                    .report
                    .problems
                    .push(Problem::unanswered(lookup.key(), &problem));
                self.next_lookup(frame)
            }
        }
    }
}

/// An answer of the hub that the pull met. Its address may be that of another by
/// now: what that one took, the hub of this replica has not got.
fn ours(frame: &Frame, body: &[u8]) -> Result<PushResult, SyncError> {
    let result = PushResult::decode(body).map_err(SyncError::Protocol)?;
    match (&frame.hub, &result.hub_id) {
        (Some(expected), Some(found)) if expected != found => Err(SyncError::OtherServer {
            expected: expected.clone(),
            found: found.clone(),
        }),
        _ => Ok(result),
    }
}

/// An edit and those that were sent before it, in their order, each by itself.
fn one_by_one(mut item: PushItem) -> Vec<PushItem> {
    let before = std::mem::take(&mut item.luggage.before);
    let alone = |sent: SentEdit| PushItem {
        edit_seq: sent.edit_seq,
        change: PushChange {
            operation: item.change.operation,
            client_sync_id: sent.attempt_id,
            bases: sent.bases,
            version: sent.version,
        },
        luggage: Luggage {
            again: true,
            ..Luggage::default()
        },
    };
    let mut parts: Vec<PushItem> = before.into_iter().map(alone).collect();
    item.luggage.again = true;
    parts.push(item);
    parts
}

/// Asks what an answer left open.
fn ask(lookup: &Lookup) -> Next {
    let id = lookup.key().id.as_str();
    Next::get(match lookup {
        Lookup::Outcome { .. } => entity_path(id),
        Lookup::Displaced { version, .. } => version_path(id, version),
    })
}
