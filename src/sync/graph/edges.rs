//! Edges do not come down the stream of changes: they are read whole, after
//! entities changed, on a sync that was asked for, and now and then. Those that
//! this replica has to pin anew are sent back so.

use std::collections::VecDeque;

use super::messages;
use crate::model::{Kind, Timestamp};
use crate::protocol::v2::{Relationship, SYNC_PATH, SyncResponse, relationships_path};
use crate::store::graph::reconcile::EdgeReport;
use crate::sync::planner::{Frame, Next, server_error};
use crate::sync::{Problem, Step, SyncError};
use crate::transport::Response;

/// The most edges in one message.
const MAX_REPINNED: usize = 500;
/// Least time between two readings that nothing asked for, in microseconds.
const INTERVAL: i64 = 600 * crate::model::time::SECOND;

#[derive(Debug, Default)]
pub(in crate::sync) struct Edges {
    stale: VecDeque<Relationship>,
    reading: bool,
}

impl Edges {
    pub(in crate::sync) fn start(frame: &Frame, now: Timestamp) -> (Self, Next) {
        if !is_due(frame, now) {
            return (Self::default(), Next::Complete);
        }
        let edges = Self {
            reading: true,
            ..Self::default()
        };
        (edges, Next::listing(relationships_path()))
    }

    pub(in crate::sync) fn response(&mut self, frame: &Frame, response: Response) -> Next {
        if self.reading {
            if response.status != 200 {
                return Next::Fail(server_error(&response));
            }
            return Next::Step(Step::ReconcileEdges {
                generation: frame.session.generation,
                listing: response.body,
            });
        }
        match response.status {
            // What was not taken is seen to after the next reading.
            200 => match SyncResponse::decode(&response.body) {
                Ok(_) => self.repin(frame),
                Err(error) => Next::Fail(SyncError::Protocol(error)),
            },
            status => {
                tracing::warn!(status, "the server did not take edges that were pinned anew");
                Next::Complete
            }
        }
    }

    pub(in crate::sync) fn reconciled(&mut self, frame: &mut Frame, report: EdgeReport) -> Next {
        self.reading = false;
        frame.session.generation = report.generation;
        frame.session.edges_due = false;
        frame.report.pulled += report.changed;
        for (id, problem) in report.unusable {
            frame.report.problems.push(Problem {
                kind: Kind::Relationship,
                id: Some(id.chars().take(80).collect()),
                code: "unusable".into(),
                detail: format!("a relationship of the server can't be kept here: {problem}"),
            });
        }
        self.stale = report.stale.into();
        self.repin(frame)
    }

    fn repin(&mut self, frame: &Frame) -> Next {
        if self.stale.is_empty() {
            return Next::Complete;
        }
        let count = self.stale.len().min(MAX_REPINNED);
        let edges = self.stale.drain(..count).collect();
        Next::post(SYNC_PATH, messages::repin(frame, edges))
    }
}

fn is_due(frame: &Frame, now: Timestamp) -> bool {
    frame.options.asked_for
        || frame.session.edges_due
        || frame.report.pushed > 0
        || frame.session.edges_read_at.is_none_or(|last| {
            let since = now.micros().saturating_sub(last.micros());
            // A negative span is a clock that stepped back.
            !(0..INTERVAL).contains(&since)
        })
}
