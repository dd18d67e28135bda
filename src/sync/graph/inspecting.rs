//! Versions made here that the server took and then replaced by one that does not
//! name them: is it a descendant all the same? Its author is told if not.

use std::collections::VecDeque;

use super::messages;
use crate::model::Version;
use crate::protocol::v2::versions_path;
use crate::store::push::SettleReport;
use crate::sync::planner::{Frame, Next, server_error};
use crate::sync::{Problem, Step};
use crate::transport::Response;

#[derive(Debug, Default)]
pub(in crate::sync) struct Inspecting {
    waiting: VecDeque<Version>,
}

impl Inspecting {
    /// Asks the replica which there are.
    pub(in crate::sync) fn start() -> (Self, Next) {
        (Self::default(), Next::Step(Step::ListDisplaced))
    }

    pub(in crate::sync) fn listed(&mut self, versions: Vec<Version>) -> Next {
        self.waiting = versions.into();
        self.ask()
    }

    fn ask(&self) -> Next {
        match self.waiting.front() {
            Some(version) => Next::listing(versions_path(version.key.id.as_str())),
            None => Next::Complete,
        }
    }

    pub(in crate::sync) fn response(&mut self, frame: &mut Frame, response: &Response) -> Next {
        match response.status {
            200 => match messages::versions(&response.body) {
                Ok(versions) => self.inspect(frame, Some(versions)),
                Err(error) => {
                    tracing::warn!(%error, "an entity's versions can't be read");
                    self.unreadable(frame)
                }
            },
            // Nothing is known of its versions any more.
            404 | 405 => self.unreadable(frame),
            _ => match self.waiting.pop_front() {
                Some(version) => {
                    // It is kept, and asked for again by the next sync.
                    let problem = server_error(response).to_string();
                    let problem = Problem::unanswered(&version.key, &problem);
                    frame.report.problems.push(problem);
                    self.ask()
                }
                None => Next::Complete,
            },
        }
    }

    /// What it descends from can't be known: its author is told, rather than not.
    pub(in crate::sync) fn unreadable(&mut self, frame: &mut Frame) -> Next {
        self.inspect(frame, None)
    }

    fn inspect(&mut self, frame: &Frame, versions: Option<Vec<(String, Vec<String>)>>) -> Next {
        match self.waiting.pop_front() {
            Some(version) => Next::Step(Step::Inspect {
                generation: frame.session.generation,
                version: Box::new(version),
                versions,
            }),
            None => Next::Complete,
        }
    }

    pub(in crate::sync) fn settled(&mut self, frame: &mut Frame, report: SettleReport) -> Next {
        frame.session.generation = report.generation;
        frame.report.conflicts.extend(report.conflicts);
        self.ask()
    }
}
