//! HTTP with as little help as possible: a server that answers what it is told,
//! byte by byte if need be, and a client to ask a server with.
//!
//! No behaviour of any real server lives here.

use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

/// A request as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    pub method: String,
    pub path: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// Which connection it came on, counted from 0.
    pub connection: usize,
}

impl Received {
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// What to do about a request.
#[derive(Debug, Clone)]
pub enum Canned {
    /// A whole answer; `Content-Length` is added unless it, or
    /// `Transfer-Encoding`, is among the headers.
    Answer {
        status: u16,
        headers: Vec<(String, String)>,
        body: Vec<u8>,
    },
    /// These bytes, whatever they are; then the connection is closed.
    Raw(Vec<u8>),
    /// The first so many bytes of another answer, head included; then the connection is closed.
    CutAfter(usize, Box<Canned>),
    /// The connection is closed without a byte.
    Close,
    /// Silence until the server is dropped.
    Silence,
}

impl Canned {
    pub fn answer(status: u16, headers: &[(&str, &str)], body: impl Into<Vec<u8>>) -> Self {
        let own = |&(name, value): &(&str, &str)| (name.to_owned(), value.to_owned());
        Canned::Answer {
            status,
            headers: headers.iter().map(own).collect(),
            body: body.into(),
        }
    }

    pub fn json(status: u16, body: &serde_json::Value) -> Self {
        Self::answer(status, &[("Content-Type", "application/json")], body.to_string())
    }

    pub fn cut_after(self, bytes: usize) -> Self {
        Canned::CutAfter(bytes, Box::new(self))
    }

    /// The bytes to send, and whether the connection stays open.
    fn render(&self) -> (Vec<u8>, bool) {
        match self {
            Canned::Answer {
                status,
                headers,
                body,
            } => {
                let mut head = format!("HTTP/1.1 {status} Canned\r\n");
                for (name, value) in headers {
                    head.push_str(&format!("{name}: {value}\r\n"));
                }
                let framed = |(name, _): &(String, String)| {
                    name.eq_ignore_ascii_case("content-length")
                        || name.eq_ignore_ascii_case("transfer-encoding")
                };
                if !headers.iter().any(framed) {
                    head.push_str(&format!("Content-Length: {}\r\n", body.len()));
                }
                head.push_str("\r\n");
                ([head.as_bytes(), body].concat(), true)
            }
            Canned::Raw(bytes) => (bytes.clone(), false),
            Canned::CutAfter(count, whole) => {
                let (mut bytes, _) = whole.render();
                bytes.truncate(*count);
                (bytes, false)
            }
            Canned::Close | Canned::Silence => (Vec::new(), false),
        }
    }
}

type Handler = dyn Fn(Received) -> Canned + Send + Sync;

/// A server on a port of its own that asks a function about every request.
/// Dropped, it closes its connections and waits for its threads.
pub struct RawServer {
    address: SocketAddr,
    stopping: Arc<AtomicBool>,
    connections: Arc<Mutex<Vec<TcpStream>>>,
    acceptor: Option<JoinHandle<()>>,
}

impl RawServer {
    pub fn start(handler: impl Fn(Received) -> Canned + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port on the loopback");
        let address = listener.local_addr().expect("its address");
        let stopping = Arc::new(AtomicBool::new(false));
        let connections = Arc::new(Mutex::new(Vec::new()));
        let acceptor = std::thread::spawn({
            let (stopping, connections) = (stopping.clone(), connections.clone());
            let handler: Arc<Handler> = Arc::new(handler);
            move || accept(&listener, &stopping, &connections, &handler)
        });
        Self {
            address,
            stopping,
            connections,
            acceptor: Some(acceptor),
        }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How many connections were ever made.
    pub fn connections(&self) -> usize {
        self.connections.lock().unwrap().len()
    }
}

impl Drop for RawServer {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::SeqCst);
        // Wakes the acceptor, which then sees the flag.
        drop(TcpStream::connect(self.address));
        for connection in self.connections.lock().unwrap().iter() {
            let _ = connection.shutdown(Shutdown::Both);
        }
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
    }
}

fn accept(
    listener: &TcpListener,
    stopping: &AtomicBool,
    connections: &Mutex<Vec<TcpStream>>,
    handler: &Arc<Handler>,
) {
    let mut threads = Vec::new();
    for stream in listener.incoming() {
        let Ok(stream) = stream else { break };
        {
            // Under the lock, so that a drop either sees the stream or is seen.
            let mut connections = connections.lock().unwrap();
            if stopping.load(Ordering::SeqCst) {
                break;
            }
            let number = connections.len();
            connections.push(stream.try_clone().expect("a second handle"));
            let handler = handler.clone();
            threads.push(std::thread::spawn(move || {
                // A client that hangs up is no failure of the server.
                let _ = converse(&stream, number, handler.as_ref());
                let _ = stream.shutdown(Shutdown::Both);
            }));
        }
    }
    for connection in connections.lock().unwrap().iter() {
        let _ = connection.shutdown(Shutdown::Both);
    }
    for thread in threads {
        let _ = thread.join();
    }
}

fn converse(stream: &TcpStream, connection: usize, handler: &Handler) -> io::Result<()> {
    let mut reader = BufReader::new(stream);
    while let Some(request) = read_request(&mut reader, connection)? {
        let answer = handler(request);
        if matches!(answer, Canned::Silence) {
            // Ends when the client or the server gives the connection up.
            io::copy(&mut reader, &mut io::sink())?;
            return Ok(());
        }
        let (bytes, stays) = answer.render();
        (&*stream).write_all(&bytes)?;
        if !stays {
            return Ok(());
        }
    }
    Ok(())
}

fn read_request(reader: &mut impl BufRead, connection: usize) -> io::Result<Option<Received>> {
    let Some((first, headers)) = read_head(reader)? else {
        return Ok(None);
    };
    let mut words = first.split(' ').map(str::to_owned);
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let mut request = Received {
        method,
        path,
        headers,
        body: Vec::new(),
        connection,
    };
    let length = request.header("content-length").map(|length| length.parse());
    request.body = vec![0; length.transpose().map_err(io::Error::other)?.unwrap_or(0)];
    reader.read_exact(&mut request.body)?;
    Ok(Some(request))
}

type Head = (String, Vec<(String, String)>);

fn read_head(reader: &mut impl BufRead) -> io::Result<Option<Head>> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let mut lines = lines.into_iter();
    let first = lines.next().unwrap_or_default();
    let headers = lines
        .filter_map(|line| {
            let (name, value) = line.split_once(':')?;
            Some((name.trim().to_lowercase(), value.trim().to_owned()))
        })
        .collect();
    Ok(Some((first, headers)))
}

/// Gives prepared answers, one a request in the order they come, and remembers
/// the requests. Out of answers, it says 599.
pub struct CannedServer {
    server: RawServer,
    requests: Arc<Mutex<Vec<Received>>>,
}

impl CannedServer {
    pub fn start(answers: Vec<Canned>) -> Self {
        let requests = Arc::new(Mutex::new(Vec::new()));
        let answers = Mutex::new(VecDeque::from(answers));
        let server = RawServer::start({
            let requests = requests.clone();
            move |request| {
                requests.lock().unwrap().push(request);
                let next = answers.lock().unwrap().pop_front();
                next.unwrap_or_else(|| Canned::answer(599, &[], "no answer left"))
            }
        });
        Self { server, requests }
    }

    pub fn url(&self) -> String {
        self.server.url()
    }

    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    pub fn connections(&self) -> usize {
        self.server.connections()
    }

    pub fn requests(&self) -> Vec<Received> {
        self.requests.lock().unwrap().clone()
    }
}

/// An answer as [`ask`] got it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).expect("a JSON answer")
    }
}

/// Asks a server of this module, on a connection for this request only.
pub fn ask(url: &str, method: &str, path: &str, body: &[u8]) -> Answer {
    let address = url.strip_prefix("http://").expect("an address of this module");
    let mut stream = TcpStream::connect(address).expect("a connection");
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).expect("the head is sent");
    stream.write_all(body).expect("the body is sent");
    let mut reader = BufReader::new(stream);
    let (first, headers) = read_head(&mut reader).expect("a head").expect("an answer");
    let mut answer = Answer {
        status: first
            .split(' ')
            .nth(1)
            .and_then(|word| word.parse().ok())
            .expect("a status"),
        headers,
        body: String::new(),
    };
    let length = answer
        .header("content-length")
        .and_then(|length| length.parse().ok());
    let mut rest = reader.take(length.expect("a length"));
    rest.read_to_string(&mut answer.body).expect("a body in UTF-8");
    answer
}
