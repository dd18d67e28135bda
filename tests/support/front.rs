//! A server in front of another: it passes requests on, except those for which
//! it was told to misbehave. So a client meets a bad server and a good one at
//! the same address.
#![allow(dead_code)]

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};

use super::raw_http::{Canned, RawServer, Received};

/// What to do with a request instead of passing it on.
#[derive(Debug, Clone)]
pub(crate) enum Trick {
    /// Answer so, and pass nothing on.
    Say(Canned),
    /// Pass it on, and give the client nothing but a closed connection.
    LoseAnswer,
}

/// A trick for the next request whose path ends so.
type Plan = VecDeque<(&'static str, Trick)>;

/// The server in front.
pub(crate) struct Front {
    server: RawServer,
    plan: Arc<Mutex<Plan>>,
    requests: Arc<Mutex<Vec<Received>>>,
}

impl Front {
    /// Stands before the server at `behind`.
    pub(crate) fn of(behind: String) -> Self {
        let plan = Arc::new(Mutex::new(Plan::new()));
        let requests = Arc::new(Mutex::new(Vec::new()));
        let server = RawServer::start({
            let (plan, requests) = (plan.clone(), requests.clone());
            move |request| {
                requests.lock().unwrap().push(request.clone());
                match take(&plan, &request.path) {
                    Some(Trick::Say(answer)) => answer,
                    Some(Trick::LoseAnswer) => {
                        pass_on(&behind, &request);
                        Canned::Close
                    }
                    None => pass_on(&behind, &request),
                }
            }
        });
        Self {
            server,
            plan,
            requests,
        }
    }

    pub(crate) fn url(&self) -> String {
        self.server.url()
    }

    /// Plays `trick` on the next request whose path ends so, after those planned before.
    pub(crate) fn plan(&self, path: &'static str, trick: Trick) {
        self.plan.lock().unwrap().push_back((path, trick));
    }

    /// Whether every trick was played.
    pub(crate) fn is_through(&self) -> bool {
        self.plan.lock().unwrap().is_empty()
    }

    /// Forgets the tricks that are left.
    pub(crate) fn behave(&self) {
        self.plan.lock().unwrap().clear();
    }

    /// The requests since this was last called.
    pub(crate) fn take_requests(&self) -> Vec<Received> {
        std::mem::take(&mut self.requests.lock().unwrap())
    }
}

fn take(plan: &Mutex<Plan>, path: &str) -> Option<Trick> {
    let mut plan = plan.lock().unwrap();
    match plan.front() {
        Some((end, _)) if path.ends_with(end) => plan.pop_front().map(|(_, trick)| trick),
        _ => None,
    }
}

/// Asks the server behind, token and all, and brings its answer.
pub(crate) fn pass_on(behind: &str, request: &Received) -> Canned {
    let address = behind.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    let mut head = format!(
        "{} {} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Length: {}\r\n",
        request.method,
        request.path,
        request.body.len()
    );
    for name in ["authorization", "content-type"] {
        if let Some(value) = request.header(name) {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
    }
    head.push_str("\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(&request.body).unwrap();
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    let status = line.split(' ').nth(1).unwrap().parse().unwrap();
    let mut length = 0;
    while line != "\r\n" {
        line.clear();
        reader.read_line(&mut line).unwrap();
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    Canned::answer(status, &[("Content-Type", "application/json")], body)
}
