//! Connections: taking them in, how many there are at once, and how long one may
//! keep the hub waiting. What is said over them is in `routes`, what a body may
//! take in `intake`.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{ConnectInfo, Request};
use axum::serve::Listener;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::Sleep;

use super::http::lock;

/// The most connections at once, if the process may have so many files open.
const MOST_CONNECTIONS: usize = 900;
/// Descriptors that connections leave to the database and the rest of the process.
const SPARE_DESCRIPTORS: usize = 100;
/// From how much on a head of a request is too large, if it is not whole by then, and how
/// much of a body is read ahead.
const BUFFER_BYTES: usize = 64 * 1024;

/// Takes connections and answers with `app` until `stop` completes, then lets
/// requests under way finish.
pub(super) async fn serve(
    mut listener: TcpListener,
    app: Router,
    patience: Duration,
    stop: oneshot::Receiver<()>,
) {
    let crowd = Arc::new(Crowd::of(most_connections()));
    let (stopping, told) = watch::channel(());
    let mut connections = JoinSet::new();
    let mut stop = pin!(stop);
    loop {
        let (stream, from) = tokio::select! {
            taken = Listener::accept(&mut listener) => taken,
            // An error means that the handle was dropped, which also says stop.
            _ = stop.as_mut() => break,
        };
        // Answers are small: waiting to fill a packet would only delay them.
        if let Err(problem) = stream.set_nodelay(true) {
            tracing::debug!(%problem, "TCP_NODELAY");
        }
        while connections.try_join_next().is_some() {}
        let (seat, unseated) = crowd.enter();
        let stream = Patient::new(stream, patience);
        connections.spawn(attend(stream, from, app.clone(), seat, unseated, told.clone()));
    }
    drop(listener);
    // An error means that there is no connection to tell it to.
    let _ = stopping.send(());
    while connections.join_next().await.is_some() {}
}

/// One connection to its end.
async fn attend(
    stream: Patient,
    from: SocketAddr,
    app: Router,
    seat: Seat,
    unseated: oneshot::Receiver<()>,
    mut stopping: watch::Receiver<()>,
) {
    let patience = stream.patience;
    let seat = Arc::new(seat);
    let routes = TowerToHyperService::new(app);
    let service = service_fn(move |mut request: Request<Incoming>| {
        seat.renew();
        request.extensions_mut().insert(ConnectInfo(from));
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let (answer, seat) = (routes.call(request), Arc::clone(&seat));
        async move {
            let start = Instant::now();
            let answer = answer.await?;
            seat.renew();
            let (status, micros) = (answer.status().as_u16(), start.elapsed().as_micros());
            tracing::debug!(%method, %path, status, micros, "answered");
            Ok::<_, std::convert::Infallible>(answer)
        }
    });
    let mut connection = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(patience)
            .max_buf_size(BUFFER_BYTES)
            .serve_connection(TokioIo::new(stream), service)
    );
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        _ = unseated => {
            tracing::debug!(%from, "hung up to make room for another connection");
            return;
        }
        // An error means that all is over anyway.
        _ = stopping.changed() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(problem) = ended {
        tracing::debug!(%from, %problem, "a connection ended early");
    }
}

/// As many as there may be, or fewer where the system allows too few open files.
fn most_connections() -> usize {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, getrlimit};
        if let Some(files) = getrlimit(Resource::Nofile).current {
            let files = usize::try_from(files).unwrap_or(usize::MAX);
            return MOST_CONNECTIONS.min(files.saturating_sub(SPARE_DESCRIPTORS).max(1));
        }
    }
    MOST_CONNECTIONS
}

/// All connections, by when each last began or ended a request. When there are
/// too many, the one that has done neither for the longest time has to go: idle
/// and slow callers keep nobody out.
struct Crowd {
    most: usize,
    seats: Mutex<Seats>,
}

#[derive(Default)]
struct Seats {
    next: u64,
    /// Dropping the sender ends the connection.
    taken: BTreeMap<u64, oneshot::Sender<()>>,
}

impl Seats {
    fn put(&mut self, seat: oneshot::Sender<()>) -> u64 {
        self.next += 1;
        self.taken.insert(self.next, seat);
        self.next
    }
}

impl Crowd {
    fn of(most: usize) -> Self {
        Self {
            most,
            seats: Mutex::default(),
        }
    }

    /// A seat for one more, and what completes when it is taken away.
    fn enter(self: &Arc<Self>) -> (Seat, oneshot::Receiver<()>) {
        let (seat, unseated) = oneshot::channel();
        let mut seats = lock(&self.seats);
        if seats.taken.len() >= self.most {
            seats.taken.pop_first();
        }
        let number = Mutex::new(seats.put(seat));
        drop(seats);
        let crowd = Arc::clone(self);
        (Seat { crowd, number }, unseated)
    }
}

/// One connection's place among all.
struct Seat {
    crowd: Arc<Crowd>,
    number: Mutex<u64>,
}

impl Seat {
    /// Something came of this connection: it is the last to go.
    fn renew(&self) {
        let mut number = lock(&self.number);
        let mut seats = lock(&self.crowd.seats);
        if let Some(seat) = seats.taken.remove(&number) {
            *number = seats.put(seat);
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let number = lock(&self.number);
        lock(&self.crowd.seats).taken.remove(&number);
    }
}

/// A connection whose writes fail once nothing was read at the other end for as
/// long as patience lasts.
struct Patient {
    stream: TcpStream,
    patience: Duration,
    /// Until when the other end may read nothing, while there is something to write.
    waiting: Option<Pin<Box<Sleep>>>,
}

impl Patient {
    fn new(stream: TcpStream, patience: Duration) -> Self {
        Self {
            stream,
            patience,
            waiting: None,
        }
    }

    fn in_time(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if written.is_ready() {
            self.waiting = None;
            return written;
        }
        let patience = self.patience;
        let waiting = self
            .waiting
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(patience)));
        waiting.as_mut().poll(context).map(|()| {
            let problem = "the answer was not read";
            Err(io::Error::new(io::ErrorKind::TimedOut, problem))
        })
    }
}

impl AsyncRead for Patient {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, into)
    }
}

impl AsyncWrite for Patient {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.in_time(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.in_time(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_did_nothing_for_the_longest_time_goes_first() {
        let crowd = Arc::new(Crowd::of(2));
        let (first, mut first_goes) = crowd.enter();
        let (second, mut second_goes) = crowd.enter();
        first.renew();
        let (_third, mut third_goes) = crowd.enter();
        let gone =
            |goes: &mut oneshot::Receiver<()>| goes.try_recv() == Err(oneshot::error::TryRecvError::Closed);
        assert!(gone(&mut second_goes));
        assert!(!gone(&mut first_goes) && !gone(&mut third_goes));
        // Who has gone has no seat to renew, and leaves one free only once.
        second.renew();
        drop(second);
        drop(first);
        let (_fourth, _fourth_goes) = crowd.enter();
        assert!(!gone(&mut third_goes));
    }
}
