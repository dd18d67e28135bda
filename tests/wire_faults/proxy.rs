//! A TCP proxy that does something to one byte of what passes. It counts the bytes of
//! each way over the whole life of the proxy, over all connections.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

/// Which way the bytes go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    ToHub,
    ToClient,
}

/// What happens before the byte is passed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trick {
    /// The connection ends; the next one is fine.
    Cut,
    /// The connection ends, and so does every later one at once.
    Gone,
    /// Nothing passes any more on this connection, which stays open.
    Stall,
    /// The byte arrives as 0xFF, which no text has.
    Garble,
    /// Every byte passes by itself.
    Throttle,
    /// What came with the byte, often the whole message, arrives twice.
    Repeat,
    /// What came with the byte arrives as far as that, and then again and whole.
    Stutter,
}

#[derive(Debug, Clone, Copy)]
pub struct Plan {
    pub trick: Trick,
    pub way: Way,
    /// Which byte, counted from 0.
    pub at: u64,
}

struct Shared {
    hub: SocketAddr,
    plan: Option<Plan>,
    /// How many bytes have passed, to the hub and to the client.
    passed: [AtomicU64; 2],
    fired: AtomicBool,
    stop: AtomicBool,
    /// Both ends of every connection, to end them by.
    open: Mutex<Vec<TcpStream>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    listener: Option<JoinHandle<()>>,
}

impl Proxy {
    pub fn start(hub: &str, plan: Option<Plan>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            hub: hub.strip_prefix("http://").unwrap().parse().unwrap(),
            plan,
            passed: [AtomicU64::new(0), AtomicU64::new(0)],
            fired: AtomicBool::new(false),
            stop: AtomicBool::new(false),
            open: Mutex::default(),
            threads: Mutex::default(),
        });
        let for_thread = Arc::clone(&shared);
        let listening = std::thread::spawn(move || listen(&listener, &for_thread));
        Self {
            address,
            shared,
            listener: Some(listening),
        }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Whether the byte came by.
    pub fn fired(&self) -> bool {
        self.shared.fired.load(Ordering::SeqCst)
    }

    pub fn passed(&self, way: Way) -> u64 {
        self.shared.passed[way as usize].load(Ordering::SeqCst)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        for stream in self.shared.open.lock().unwrap().iter() {
            let _ = stream.shutdown(Shutdown::Both);
        }
        // It waits for a connection: here is one.
        drop(TcpStream::connect(self.address));
        self.listener.take().unwrap().join().unwrap();
        let threads = std::mem::take(&mut *self.shared.threads.lock().unwrap());
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    }
}

fn listen(listener: &TcpListener, shared: &Arc<Shared>) {
    for client in listener.incoming() {
        if shared.stop.load(Ordering::SeqCst) {
            return;
        }
        let gone = shared.plan.is_some_and(|plan| plan.trick == Trick::Gone);
        if gone && shared.fired.load(Ordering::SeqCst) {
            continue;
        }
        let (Ok(client), Ok(hub)) = (client, TcpStream::connect(shared.hub)) else {
            continue;
        };
        for stream in [&client, &hub] {
            stream.set_nodelay(true).unwrap();
            shared.open.lock().unwrap().push(stream.try_clone().unwrap());
        }
        let back = (hub.try_clone().unwrap(), client.try_clone().unwrap());
        for (way, (from, to)) in [(Way::ToHub, (client, hub)), (Way::ToClient, back)] {
            let shared_here = Arc::clone(shared);
            let thread = std::thread::spawn(move || pass(way, from, to, &shared_here));
            shared.threads.lock().unwrap().push(thread);
        }
    }
}

/// Passes bytes on until either end is done, or the plan says otherwise.
fn pass(way: Way, mut from: TcpStream, mut to: TcpStream, shared: &Shared) {
    let mut buffer = [0; 16 * 1024];
    let passed = &shared.passed[way as usize];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        let bytes = &mut buffer[..count];
        let before = passed.fetch_add(count as u64, Ordering::SeqCst);
        let place = shared.plan.filter(|plan| plan.way == way).and_then(|plan| {
            let place = usize::try_from(plan.at.checked_sub(before)?).ok()?;
            (place < count).then_some((plan.trick, place))
        });
        let sent = match place {
            None => to.write_all(bytes),
            Some((trick, place)) => {
                shared.fired.store(true, Ordering::SeqCst);
                match trick {
                    Trick::Garble => {
                        bytes[place] = 0xff;
                        to.write_all(bytes)
                    }
                    Trick::Throttle => bytes.chunks(1).try_for_each(|byte| to.write_all(byte)),
                    Trick::Repeat => to.write_all(bytes).and_then(|()| to.write_all(bytes)),
                    Trick::Stutter => to.write_all(&bytes[..=place]).and_then(|()| to.write_all(bytes)),
                    Trick::Cut | Trick::Gone => {
                        let _ = to.write_all(&bytes[..place]);
                        break;
                    }
                    Trick::Stall => {
                        let _ = to.write_all(&bytes[..place]);
                        // Until the client has enough of it.
                        while let Ok(1..) = from.read(&mut buffer) {}
                        break;
                    }
                }
            }
        };
        if sent.is_err() {
            break;
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}
