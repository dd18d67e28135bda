//! The way to the hub: a server at an address that stays, which writes down what
//! passes and does with it what the scenario says.
//!
//! Every connection carries one exchange, so that a client never meets one that was
//! closed while it was idle, and its errors have the same words each time.

use std::collections::VecDeque;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};

use serde_json::{Value, json};

use super::http::{self, Answer, Request};
use super::scenario::{Does, Fault};
use super::transcript::Transcript;
use super::{StageError, lock};
use crate::model::Json;

/// The door.
#[derive(Debug)]
pub(super) struct Door {
    address: SocketAddr,
    inside: Arc<Inside>,
}

#[derive(Debug)]
struct Inside {
    state: Mutex<State>,
    changed: Condvar,
    transcript: Arc<Transcript>,
}

#[derive(Debug, Default)]
struct State {
    /// Where the hub listens; nobody is let in while there is none.
    hub: Option<SocketAddr>,
    faults: VecDeque<Fault>,
    asked: u64,
    /// How many requests are held, and how often they were let go.
    held: u64,
    released: u64,
    closed: bool,
}

impl Door {
    pub(super) fn open(transcript: Arc<Transcript>) -> Result<Self, StageError> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).map_err(StageError::broken)?;
        let address = listener.local_addr().map_err(StageError::broken)?;
        let inside = Arc::new(Inside {
            state: Mutex::default(),
            changed: Condvar::new(),
            transcript,
        });
        let at_the_door = Arc::clone(&inside);
        let thread = std::thread::Builder::new().name("stage-door".into());
        thread
            .spawn(move || listen(&listener, &at_the_door))
            .map_err(StageError::broken)?;
        Ok(Self { address, inside })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Leads to the hub at `hub`, or nowhere.
    pub(super) fn leads_to(&self, hub: Option<SocketAddr>) {
        lock(&self.inside.state).hub = hub;
    }

    pub(super) fn fault(&self, fault: Fault) {
        lock(&self.inside.state).faults.push_back(fault);
    }

    pub(super) fn clear(&self) {
        lock(&self.inside.state).faults.clear();
    }

    /// How many requests came.
    pub(super) fn asked(&self) -> u64 {
        lock(&self.inside.state).asked
    }

    pub(super) fn is_holding(&self) -> bool {
        lock(&self.inside.state).held > 0
    }

    /// Lets go what is held.
    pub(super) fn release(&self) {
        lock(&self.inside.state).released += 1;
        self.inside.changed.notify_all();
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        lock(&self.inside.state).closed = true;
        self.release();
        // It waits for a connection: here is one.
        drop(TcpStream::connect(self.address));
    }
}

fn listen(listener: &TcpListener, inside: &Arc<Inside>) {
    for stream in listener.incoming() {
        if lock(&inside.state).closed {
            return;
        }
        let (Ok(stream), inside) = (stream, Arc::clone(inside)) else {
            continue;
        };
        std::thread::spawn(move || {
            if let Ok(Some(request)) = http::read(&stream) {
                inside.serve(&stream, &request);
            }
            // What was read whole leaves no reset behind: the other end finds an end.
            let _ = stream.shutdown(Shutdown::Both);
        });
    }
}

impl Inside {
    fn serve(&self, stream: &TcpStream, request: &Request) {
        let (fault, hub) = self.arrives(request);
        let Some(hub) = hub else {
            return self.told(None, Some("the hub is down"));
        };
        // Whoever hangs up meanwhile is not there to hear of it.
        let give = |answer: &Answer, bytes| {
            let _ = http::give(stream, answer, bytes);
        };
        if let Some(Does::HoldRequest) = fault {
            self.hold();
        }
        match fault {
            Some(Does::Refuse) => return self.told(None, Some("refused")),
            Some(Does::Answer {
                status,
                retry_after,
                body,
            }) => {
                let body = body.unwrap_or_else(|| json!({"detail": "the scenario says so"}));
                let answer = Answer {
                    status,
                    retry_after,
                    body: body.to_string().into_bytes(),
                };
                self.told(Some(&answer), Some("instead of the hub's"));
                return give(&answer, None);
            }
            _ => {}
        }
        let answer = match http::ask(hub, request) {
            Ok(answer) => answer,
            Err(error) => return self.told(None, Some(&format!("no answer of the hub: {error}"))),
        };
        match fault {
            Some(Does::LoseAnswer) => self.told(Some(&answer), Some("lost")),
            Some(Does::CutAfter { bytes }) => {
                self.told(Some(&answer), Some("cut"));
                give(&answer, Some(bytes));
            }
            Some(Does::HoldAnswer) => {
                self.told(Some(&answer), Some("held"));
                self.hold();
                give(&answer, None);
            }
            _ => {
                self.told(Some(&answer), None);
                give(&answer, None);
            }
        }
    }

    /// Writes a request down, and says what to do with it.
    fn arrives(&self, request: &Request) -> (Option<Does>, Option<SocketAddr>) {
        let mut asked = json!({"method": request.method, "path": request.path});
        if !request.body.is_empty() {
            asked["body"] = json(&request.body);
        }
        self.transcript.line(&json!({ "asked": asked }));
        let mut state = lock(&self.state);
        state.asked += 1;
        let hub = state.hub;
        if hub.is_none() {
            return (None, None);
        }
        let place = state
            .faults
            .iter()
            .position(|fault| request.path.contains(&fault.on));
        let fault = place.and_then(|place| {
            let fault = state.faults.get_mut(place)?;
            if fault.skip > 0 {
                fault.skip -= 1;
                return None;
            }
            let does = fault.does.clone();
            fault.times = fault.times.saturating_sub(1);
            if fault.times == 0 {
                state.faults.remove(place);
            }
            Some(does)
        });
        (fault, hub)
    }

    fn told(&self, answer: Option<&Answer>, fate: Option<&str>) {
        let mut line = match answer {
            Some(answer) => {
                let mut told = json!({"status": answer.status, "body": json(&answer.body)});
                if let Some(after) = &answer.retry_after {
                    told["retry_after"] = Value::from(after.as_str());
                }
                told
            }
            None => json!({}),
        };
        if let Some(fate) = fate {
            line["fate"] = Value::from(fate);
        }
        self.transcript.line(&json!({ "answered": line }));
    }

    fn hold(&self) {
        let mut state = lock(&self.state);
        let released = state.released;
        state.held += 1;
        while state.released == released {
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(std::sync::PoisonError::into_inner);
        }
        state.held -= 1;
    }
}

/// A body as JSON, or as text if it is none.
fn json(body: &[u8]) -> Json {
    serde_json::from_slice(body).unwrap_or_else(|_| Json::from(String::from_utf8_lossy(body)))
}
