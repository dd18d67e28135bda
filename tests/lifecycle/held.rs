//! A server in front of the hub that holds one request of a sync for as long as
//! the test wants.

use std::sync::{Arc, Condvar, Mutex};

use super::support::front::pass_on;
use super::support::raw_http::RawServer;

/// On which side of the hub the request is held.
#[derive(Debug, Clone, Copy)]
pub(crate) enum When {
    /// The hub has not heard of it.
    BeforeTheServerHasIt,
    /// The hub has done it, and the answer is held.
    AfterItAnswered,
}

#[derive(Default)]
struct State {
    /// Requests to let through before one is held, and on which side that is.
    next: Option<(u64, When)>,
    /// Whether a request is held now.
    holding: bool,
    /// Whether it is to be let go.
    released: bool,
    /// Whether nothing is held any more, since the test is over.
    over: bool,
}

#[derive(Default)]
struct Gate {
    state: Mutex<State>,
    changed: Condvar,
    reached: tokio::sync::Notify,
}

impl Gate {
    /// Which side the request that comes now is to be held on.
    fn arrives(&self) -> Option<When> {
        let mut state = self.state.lock().unwrap();
        let (left, when) = state.next?;
        if left > 0 {
            state.next = Some((left - 1, when));
            return None;
        }
        state.next = None;
        Some(when)
    }

    fn wait(&self) {
        let mut state = self.state.lock().unwrap();
        state.holding = true;
        self.reached.notify_one();
        while !state.released && !state.over {
            state = self.changed.wait(state).unwrap();
        }
        state.holding = false;
        self.changed.notify_all();
    }
}

/// The server.
pub(crate) struct HeldServer {
    server: RawServer,
    gate: Arc<Gate>,
}

impl HeldServer {
    /// Stands before the server at `behind`.
    pub(crate) fn before(behind: String) -> Self {
        let gate = Arc::new(Gate::default());
        let server = RawServer::start({
            let gate = Arc::clone(&gate);
            move |request| match gate.arrives() {
                None => pass_on(&behind, &request),
                Some(When::BeforeTheServerHasIt) => {
                    gate.wait();
                    pass_on(&behind, &request)
                }
                Some(When::AfterItAnswered) => {
                    let answer = pass_on(&behind, &request);
                    gate.wait();
                    answer
                }
            }
        });
        Self { server, gate }
    }

    pub(crate) fn url(&self) -> String {
        self.server.url()
    }

    /// Holds the request after `through` others.
    pub(crate) fn hold(&self, through: u64, when: When) -> Hold {
        let mut state = self.gate.state.lock().unwrap();
        state.next = Some((through, when));
        state.released = false;
        Hold(Arc::clone(&self.gate))
    }
}

impl Drop for HeldServer {
    /// A test that failed must end, too: the server waits for its threads.
    fn drop(&mut self) {
        self.gate.state.lock().unwrap().over = true;
        self.gate.changed.notify_all();
    }
}

/// A request that is or will be held.
pub(crate) struct Hold(Arc<Gate>);

impl Hold {
    /// Completes when it is held.
    pub(crate) async fn reached(&self) {
        self.0.reached.notified().await;
    }

    /// Whether it is held now.
    pub(crate) fn holds(&self) -> bool {
        self.0.state.lock().unwrap().holding
    }

    /// Lets it go, and waits until it went: what it does at the hub is done
    /// before or after whatever comes next, and never in the middle of a check.
    pub(crate) fn release(&self) {
        let mut state = self.0.state.lock().unwrap();
        state.released = true;
        self.0.changed.notify_all();
        while state.holding {
            state = self.0.changed.wait(state).unwrap();
        }
    }
}

/// Waits for what must come, and not for ever: a test that hangs tells nothing.
pub(crate) async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(std::time::Duration::from_secs(60), future)
        .await
        .expect("it never came")
}
