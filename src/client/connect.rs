//! Opening a replica, naming its server, pausing, ending.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use super::core::{Core, Inner, Teller, lock};
use super::link::{Link, SyncTeller, said};
use super::observe::follow;
use super::types::{Durability, OpenOptions, Salvaged, Timeouts};
use super::{Result, WildThingClient, WildThingError};
use crate::model::{Kind, Timestamp};
use crate::observe::{Broadcaster, Connection, Follower};
use crate::protocol::v1::{Delta, HEALTH_PATH, REQUEST_PATH, SyncRequest};
use crate::seam::{RealSeam, SharedSeam};
use crate::store::{Store, StoreOptions, metadata};
use crate::sync::background::Hints;
use crate::sync::engine::{Engine, Progress};
use crate::transport::{HttpOptions, HttpTransport, Request, Transport};

/// What connecting to a server may need beside its URL and the token.
#[derive(Debug, Clone, Default, PartialEq, Eq, uniffi::Record)]
pub struct ConnectOptions {
    /// A fixed client id, a UUID; otherwise the replica's own is kept.
    #[uniffi(default = None)]
    pub client_id: Option<String>,
    /// Time limits of each exchange: 5 s to connect, 30 s without a byte and
    /// 120 s in all when left out.
    #[uniffi(default = None)]
    pub timeouts: Option<Timeouts>,
    /// Move a used replica to another server: full resync, outbox kept.
    #[uniffi(default = false)]
    pub rebind: bool,
}

impl WildThingClient {
    /// Opens or makes a replica. Everything but sync works from here on, with
    /// no server known.
    ///
    /// Fails with `Storage` if the file can't be used; a file that is not ours,
    /// or newer, is left untouched. A damaged one is set aside and what could
    /// be read of its unsent edits is carried over.
    pub async fn open(path: impl Into<PathBuf>, options: OpenOptions) -> Result<Self> {
        Self::open_with(path.into(), options, RealSeam::shared()).await
    }

    /// The same with another clock, other timers and other randomness.
    #[cfg(feature = "testing")]
    pub async fn open_on(path: impl Into<PathBuf>, options: OpenOptions, seam: SharedSeam) -> Result<Self> {
        Self::open_with(path.into(), options, seam).await
    }

    async fn open_with(path: PathBuf, options: OpenOptions, seam: SharedSeam) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("wildthing")
            .enable_all()
            .build()
            .map_err(|error| WildThingError::Internal {
                detail: format!("no threads: {error}"),
            })?;
        let handle = runtime.handle().clone();
        let opened = handle.spawn_blocking(move || build(path, options, seam)).await;
        let core = match opened {
            Ok(Ok(core)) => core,
            failed => {
                runtime.shutdown_background();
                return Err(match failed {
                    Ok(Err(error)) => error,
                    _ => WildThingError::Internal {
                        detail: "opening the replica panicked".into(),
                    },
                });
            }
        };
        let core = Arc::new(core);
        handle.spawn(follow(Arc::clone(&core)));
        Ok(Self {
            inner: Arc::new(Inner {
                core,
                runtime: Mutex::new(Some(runtime)),
                handle,
                background: Mutex::new(None),
            }),
        })
    }
}

#[uniffi::export]
impl WildThingClient {
    /// Remembers the server and the token. Does not talk to the server;
    /// [`WildThingClient::probe`] does.
    ///
    /// The token is kept in memory only. Fails with `Invalid` if the URL or the
    /// token can't be used.
    #[uniffi::method(default(auth_token = None, options = None))]
    pub async fn connect(
        &self,
        server_url: String,
        auth_token: Option<String>,
        options: Option<ConnectOptions>,
    ) -> Result<()> {
        let options = options.unwrap_or_default();
        let transport = HttpTransport::new(HttpOptions {
            auth_token,
            timeouts: options.timeouts.unwrap_or_default(),
            ..HttpOptions::new(server_url.clone())
        })?;
        self.inner
            .blocking(move |core| {
                let client_id = options.client_id.as_deref();
                Ok(core
                    .store
                    .set_server(Some(&server_url), client_id, options.rebind)?)
            })
            .await?;
        *lock(&self.inner.core.transport) = Some(Arc::new(transport));
        self.inner.core.relinked(Connection::Unknown);
        self.inner.core.hints.token_given();
        Ok(())
    }

    /// Asks the server whether it is there and takes the token. Changes nothing.
    ///
    /// Fails with `Offline`, `NeedsAuth`, `Server`, or `Protocol` if what
    /// answers is no server of ours.
    pub async fn probe(&self) -> Result<()> {
        let transport = self.transport()?;
        let client_id = self.client_id().await?;
        let core = Arc::clone(&self.inner.core);
        let epoch = core.link.epoch();
        let task = self.inner.handle.spawn(async move {
            let health = transport
                .send(Request {
                    path: HEALTH_PATH.into(),
                    body: None,
                })
                .await?;
            if matches!(health.status, 429 | 500..=599) {
                return Err(WildThingError::Server {
                    status: health.status,
                    detail: "the server is not well".into(),
                });
            }
            // Asks for nothing, but with the token. Far ahead, so that no server has anything to list.
            let nothing = SyncRequest {
                client_id,
                last_sync: Timestamp::parse("2099-01-01T00:00:00").ok(),
                kinds: vec![Kind::House],
                include_deleted: false,
                state_digest: true,
            };
            let body = Some(nothing.encode().to_string().into_bytes());
            let answer = transport
                .send(Request {
                    path: REQUEST_PATH.into(),
                    body,
                })
                .await?;
            match answer.status {
                200 => Delta::decode(&answer.body)
                    .map(|_| ())
                    .map_err(|error| WildThingError::Protocol {
                        problem: error.to_string(),
                    }),
                401 | 403 => Err(WildThingError::NeedsAuth {
                    status: answer.status,
                }),
                404 => Err(WildThingError::Protocol {
                    problem: "the server does not know Inbetweenies v1; is the URL right?".into(),
                }),
                status => Err(WildThingError::Server {
                    status,
                    detail: String::from_utf8_lossy(&answer.body).chars().take(200).collect(),
                }),
            }
        });
        let answer = task.await.unwrap_or(Err(WildThingError::Cancelled));
        if let Some(connection) = said(answer.as_ref().err()) {
            core.link.news(epoch, connection, &core.store, &core.broadcaster);
        }
        answer
    }

    /// Changes the token. A background sync that waits for one goes on.
    pub fn set_auth_token(&self, token: Option<String>) -> Result<()> {
        self.transport()?.set_auth_token(token)?;
        self.inner.core.relinked(Connection::Unknown);
        self.inner.core.hints.token_given();
        Ok(())
    }

    /// Forgets the server and the token; the replica and its outbox stay.
    pub async fn disconnect(&self) -> Result<()> {
        self.stop_background_sync().await;
        self.cancel_sync();
        *lock(&self.inner.core.transport) = None;
        self.inner.core.relinked(Connection::NotConnected);
        self.inner
            .blocking(|core| Ok(core.store.set_server(None, None, false)?))
            .await
    }

    /// The replica's name to servers, a UUID.
    pub async fn client_id(&self) -> Result<String> {
        self.inner
            .blocking(|core| Ok(core.store.read(metadata::get)?.client_id))
            .await
    }

    /// Where a damaged database was set aside to when this client was opened,
    /// and how many of its unsent edits were saved.
    pub fn salvaged(&self) -> Option<Salvaged> {
        self.inner.core.store.salvage().map(|salvage| Salvaged {
            set_aside: salvage.set_aside.display().to_string(),
            edits_saved: salvage.edits_saved,
        })
    }

    /// Stops a running sync and closes every connection to the file, so that no
    /// lock on it is held. Calls fail with `Paused` until [`WildThingClient::resume`],
    /// but for [`WildThingClient::get_sync_status`]; live queries wait.
    pub async fn pause(&self) -> Result<()> {
        let core = Arc::clone(&self.inner.core);
        core.paused.store(true, Ordering::Release);
        core.engine.stop().await;
        let closed = self.inner.handle.spawn_blocking(move || {
            // Paused twice: the first one knew more.
            if let Ok(status) = core.status() {
                *lock(&core.at_pause) = Some(status);
            }
            core.store.close();
            core.restated();
        });
        closed.await.map_err(|_| WildThingError::Cancelled)
    }

    /// Opens the file again. A background sync tries at once.
    pub async fn resume(&self) -> Result<()> {
        let core = Arc::clone(&self.inner.core);
        let opened = self
            .inner
            .handle
            .spawn_blocking(move || core.store.reopen())
            .await;
        opened.map_err(|_| WildThingError::Cancelled)??;
        let core = &self.inner.core;
        core.engine.allow();
        core.paused.store(false, Ordering::Release);
        core.restated();
        core.hints.now.notify_one();
        Ok(())
    }

    /// Ends background work and a running sync, and closes the file. Calls
    /// fail with `Cancelled` from here on. Streams, observers and live queries
    /// end, the first two once they have what happened until now; an observer
    /// that is busy is not waited for.
    pub async fn shutdown(&self) {
        self.stop_background_sync().await;
        let core = Arc::clone(&self.inner.core);
        core.shut.store(true, Ordering::Release);
        core.engine.stop().await;
        core.end();
        let _ = self.inner.handle.spawn_blocking(move || core.store.close()).await;
    }
}

impl WildThingClient {
    pub(super) fn transport(&self) -> Result<Arc<HttpTransport>> {
        lock(&self.inner.core.transport)
            .clone()
            .ok_or(WildThingError::NotConnected)
    }
}

fn build(path: PathBuf, options: OpenOptions, seam: SharedSeam) -> Result<Core> {
    let store = Arc::new(Store::open(
        StoreOptions {
            path: Some(path),
            full_sync: options.durability.unwrap_or_default() == Durability::Full,
            echo: options.echo,
        },
        seam.clone(),
    )?);
    let broadcaster = Arc::new(Broadcaster::default());
    let follower = Arc::new(Follower::default());
    let hints = Arc::new(Hints::default());
    let teller = Teller {
        broadcaster: Arc::clone(&broadcaster),
        hints: Arc::clone(&hints),
        follower: Arc::clone(&follower),
    };
    store.set_listener(Some(Arc::new(move |commit| teller.committed(commit))));
    let link = Arc::new(Link::default());
    let progress: Arc<dyn Progress> = Arc::new(SyncTeller {
        store: Arc::clone(&store),
        broadcaster: Arc::clone(&broadcaster),
        link: Arc::clone(&link),
        epoch: AtomicU64::new(0),
        done: AtomicU64::new(0),
    });
    let engine = Arc::new(Engine::new(Arc::clone(&store), seam.clone(), progress));
    Ok(Core {
        store,
        seam,
        engine,
        broadcaster,
        follower,
        hints,
        transport: Mutex::new(None),
        link,
        background: AtomicBool::new(false),
        at_pause: Mutex::new(None),
        paused: AtomicBool::new(false),
        shut: AtomicBool::new(false),
        sync_on_write: options.sync_on_write,
    })
}
