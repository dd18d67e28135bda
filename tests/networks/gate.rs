//! A server in front of a hub that does something else with one request, counted
//! from 0, and passes the others on.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use crate::support::front::pass_on;
use crate::support::raw_http::{Canned, RawServer};

/// What happens at the request.
pub enum Act {
    /// It is answered so, and not passed on.
    Say(Canned),
    /// This is done, and then it is passed on as usual.
    First(Box<dyn FnMut() + Send>),
    /// It and all later ones go to the server at this address.
    Turn(String),
}

pub struct Gate {
    server: RawServer,
    at: usize,
    seen: Arc<AtomicUsize>,
    path: Arc<Mutex<String>>,
}

impl Gate {
    pub fn before(hub: &str, at: usize, act: Act) -> Self {
        let seen = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&seen);
        let path = Arc::new(Mutex::new(String::new()));
        let noted = Arc::clone(&path);
        let state = Mutex::new((hub.to_owned(), act));
        let server = RawServer::start(move |request| {
            let number = counted.fetch_add(1, Ordering::SeqCst);
            let mut state = state.lock().unwrap();
            let (behind, act) = &mut *state;
            if number == at {
                noted.lock().unwrap().clone_from(&request.path);
                match act {
                    Act::Say(answer) => return answer.clone(),
                    Act::First(work) => work(),
                    Act::Turn(other) => behind.clone_from(other),
                }
            }
            let behind = behind.clone();
            drop(state);
            pass_on(&behind, &request)
        });
        Self {
            server,
            at,
            seen,
            path,
        }
    }

    pub fn url(&self) -> String {
        self.server.url()
    }

    /// What was asked for in the request.
    pub fn path(&self) -> String {
        self.path.lock().unwrap().clone()
    }

    /// Whether the request came.
    pub fn is_reached(&self) -> bool {
        self.seen.load(Ordering::SeqCst) > self.at
    }
}
