//! The engine below the API: syncs that nobody asked for, as the background loop
//! makes them, and how far a sync had come when it asked for the listing of edges.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use wildthing::model::time::SECOND;
use wildthing::protocol::v2::{SYNC_PATH, relationships_path, wire_time};
use wildthing::seam::{BoxFuture, RealSeam, Seam as _};
use wildthing::store::{Store, StoreOptions};
use wildthing::sync::engine::{self, Progress};
use wildthing::transport::{HttpOptions, HttpTransport, Request, Response, Transport, TransportError};

use crate::hub::TOKEN;
use crate::{Outcome, plain_graph};

/// The engine's own transport.
pub(crate) fn transport(url: &str) -> Outcome<HttpTransport> {
    Ok(HttpTransport::new(HttpOptions {
        auth_token: Some(TOKEN.into()),
        ..HttpOptions::new(url)
    })?)
}

/// A replica's engine without the API around it.
pub(crate) struct Engine {
    engine: Arc<engine::Engine>,
    transport: Arc<Watched>,
}

/// One sync, in milliseconds.
pub(crate) struct Took {
    pub(crate) all: f64,
    /// Until it asked for the listing of edges, if it did.
    pub(crate) until_listing: Option<f64>,
}

impl Engine {
    pub(crate) fn open(path: &Path, url: &str) -> Outcome<Self> {
        let options = StoreOptions {
            path: Some(path.to_owned()),
            full_sync: false,
            echo: false,
        };
        let store = Arc::new(Store::open(options, RealSeam::shared())?);
        Ok(Self {
            engine: Arc::new(engine::Engine::new(store, RealSeam::shared(), Arc::new(Nobody))),
            transport: Arc::new(Watched {
                http: transport(url)?,
                asked_at: Mutex::default(),
                no_listing: AtomicBool::new(false),
            }),
        })
    }

    pub(crate) async fn sync(&self, asked_for: bool) -> Outcome<Took> {
        self.transport.take();
        let start = Instant::now();
        let outcome = self.engine.sync(self.transport.clone(), asked_for).await;
        let all = start.elapsed().as_secs_f64() * 1e3;
        outcome.result.clone().map_err(|error| error.to_string())?;
        let asked_at = self.transport.take();
        Ok(Took {
            all,
            until_listing: asked_at.map(|at| at.duration_since(start).as_secs_f64() * 1e3),
        })
    }

    /// Milliseconds of a sync until it asks for the listing of edges, where it ends:
    /// the listing can't be had.
    pub(crate) async fn sync_up_to_listing(&self) -> Outcome<f64> {
        self.transport.take();
        self.transport.no_listing.store(true, Ordering::Release);
        let start = Instant::now();
        let outcome = self.engine.sync(self.transport.clone(), true).await;
        self.transport.no_listing.store(false, Ordering::Release);
        if outcome.result.is_ok() {
            return Err("a sync went on without its listing".into());
        }
        let asked_at = self.transport.take().ok_or("it did not ask for the edges")?;
        Ok(asked_at.duration_since(start).as_secs_f64() * 1e3)
    }

    /// Asks a graph's hub for the changes of the last minute and leaves the replica
    /// as it is, as another client of the house would have done meanwhile.
    pub(crate) async fn look(&self) -> Outcome {
        let since = wire_time(RealSeam.now().plus_micros(-60 * SECOND));
        let body = plain_graph::question(None, Some(&since)).to_string();
        let answer = self
            .transport
            .http
            .send(Request::post(SYNC_PATH, body.into_bytes()));
        match answer.await?.status {
            200 => Ok(()),
            status => Err(format!("the hub answers {status}").into()),
        }
    }
}

/// A transport that notes when it is asked for the listing.
struct Watched {
    http: HttpTransport,
    asked_at: Mutex<Option<Instant>>,
    /// Whether the listing can't be reached.
    no_listing: AtomicBool,
}

impl Watched {
    fn take(&self) -> Option<Instant> {
        self.asked_at
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }
}

impl Transport for Watched {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response, TransportError>> {
        if request.path == relationships_path() {
            *self.asked_at.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
            if self.no_listing.load(Ordering::Acquire) {
                // Unlike other failures, not one to wait out.
                let nowhere = TransportError::Tls {
                    host: "the listing".into(),
                    problem: "is not wanted".into(),
                };
                return Box::pin(async { Err(nowhere) });
            }
        }
        self.http.send(request)
    }
}

/// Hears of syncs and does nothing.
struct Nobody;

impl Progress for Nobody {
    fn started(&self) {}
    fn progress(&self, _: u64, _: u64) {}
    fn ending(&self, _: &engine::Outcome) {}
    fn ended(&self, _: &engine::Outcome) {}
}
