//! Opening a replica, naming its server, pausing, ending.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use super::core::{Core, Inner, Teller, blocking, end, lock};
use super::link::{Link, SyncTeller, brought, said};
use super::observe::follow;
use super::tokens::Tokens;
use super::types::{Durability, OpenOptions, Salvaged, Timeouts};
use super::{Result, WildThingClient, WildThingError};
use crate::model::{Kind, Timestamp};
use crate::observe::{Broadcaster, Follower};
use crate::protocol::Protocol;
use crate::protocol::v1::{Delta, HEALTH_PATH, REQUEST_PATH, SyncRequest};
use crate::protocol::v2::status_path;
use crate::seam::{RealSeam, SharedSeam};
use crate::store::{ReplicaKey, Store, StoreOptions, metadata};
use crate::sync::background::Hints;
use crate::sync::engine::{Engine, Progress};
use crate::transport::{HttpOptions, HttpTransport, Request, Response, Transport};

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
    /// What the server speaks; when left out the first sync asks it. A used
    /// replica is moved from v1 to v2 by `rebind`, and never back.
    #[uniffi(default = None)]
    pub protocol: Option<Protocol>,
    /// A root certificate, or several, in PEM, that are trusted beside those of
    /// the platform: for a house with a certificate authority of its own. Not
    /// on Android, whose own settings say whom an app trusts.
    #[uniffi(default = None)]
    pub root_certificate_pem: Option<String>,
    /// The SHA-256 of the server's own certificate (of its DER), 64 hexadecimal
    /// digits, perhaps with colons: for a hub that signed its certificate itself.
    /// Exactly that certificate is accepted then, whoever issued it, for
    /// whatever name and time, and no other.
    #[uniffi(default = None)]
    pub pinned_certificate_sha256: Option<String>,
    /// Allow `http://` to a server that is not in the house's own network, though
    /// everybody on the way can then read the token and all that is synced.
    #[uniffi(default = false)]
    pub allow_plain_http: bool,
}

impl WildThingClient {
    /// Opens or makes a replica. Everything but sync works from here on, with
    /// no server known.
    ///
    /// Fails with `Storage` if the file can't be used; a file that is not ours,
    /// or newer, is left untouched. A damaged one is set aside and what could
    /// be read of its unsent edits is carried over.
    pub async fn open(path: impl Into<PathBuf>, options: OpenOptions) -> Result<Self> {
        Self::open_any(path.into(), None, options).await
    }

    /// Opens or makes an encrypted replica. Everything else is as with
    /// [`WildThingClient::open`].
    ///
    /// Fails with `Storage`, and touches nothing, if the file was encrypted with
    /// another key (code `wrong_key`) or is not encrypted (`not_encrypted`), and
    /// wherever this library was built without the feature `sqlcipher`
    /// (`no_encryption`).
    pub async fn open_encrypted(
        path: impl Into<PathBuf>,
        key: ReplicaKey,
        options: OpenOptions,
    ) -> Result<Self> {
        Self::open_any(path.into(), Some(key), options).await
    }

    async fn open_any(path: PathBuf, key: Option<ReplicaKey>, options: OpenOptions) -> Result<Self> {
        #[cfg(feature = "testing")]
        if let Some(director) = super::staged::director_of(&path) {
            let client = Self::open_with(path.clone(), key, options, director.seam(&path)).await?;
            director.opened(client.watched());
            return Ok(client);
        }
        Self::open_with(path, key, options, RealSeam::shared()).await
    }

    /// The same with another clock, other timers and other randomness.
    #[cfg(feature = "testing")]
    pub async fn open_on(path: impl Into<PathBuf>, options: OpenOptions, seam: SharedSeam) -> Result<Self> {
        Self::open_with(path.into(), None, options, seam).await
    }

    async fn open_with(
        path: PathBuf,
        key: Option<ReplicaKey>,
        options: OpenOptions,
        seam: SharedSeam,
    ) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("wildthing")
            .enable_all()
            .build()
            .map_err(|error| WildThingError::Internal {
                detail: format!("no threads: {error}"),
            })?;
        let handle = runtime.handle().clone();
        let opened = handle
            .spawn_blocking(move || build(path, key, options, seam))
            .await;
        let core = match opened {
            Ok(Ok(core)) => core,
            failed => {
                // Without a thread to end it with it ends in the background.
                let _ = end(&Arc::new(Mutex::new(Some(runtime))), |_| {});
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
                runtime: Arc::new(Mutex::new(Some(runtime))),
                handle,
            }),
        })
    }
}

#[uniffi::export]
impl WildThingClient {
    /// Remembers the server and the token. Does not talk to the server;
    /// [`WildThingClient::probe`] does.
    ///
    /// The token is kept in memory only; without one, [`WildThingClient::login`]
    /// gets one. Fails with `Invalid` if the URL, the token, a certificate or its
    /// digest can't be used, and for `http://` to a server that is not in the
    /// house's own network (a private, link-local or loopback address, a name of
    /// one word or one that ends in `.local`, `.lan`, `.internal` or `.home.arpa`),
    /// unless [`ConnectOptions::allow_plain_http`] is set.
    #[uniffi::method(default(auth_token = None, options = None))]
    pub async fn connect(
        &self,
        server_url: String,
        auth_token: Option<String>,
        options: Option<ConnectOptions>,
    ) -> Result<()> {
        let options = options.unwrap_or_default();
        let session = brought(auth_token.clone(), self.inner.core.seam.now());
        let transport = HttpTransport::new(HttpOptions {
            auth_token,
            timeouts: options.timeouts.unwrap_or_default(),
            root_certificate_pem: options.root_certificate_pem,
            pinned_certificate_sha256: options.pinned_certificate_sha256,
            allow_plain_http: options.allow_plain_http,
            ..HttpOptions::new(server_url.clone())
        })?;
        let connect = move |core: Arc<Core>| async move {
            core.ready()?;
            let name = move |core: &Core| {
                let client_id = options.client_id.as_deref();
                let asked = options.protocol.unwrap_or(Protocol::Auto);
                if let Err(other) = core.store.choose_protocol(asked, options.rebind)? {
                    return Err(WildThingError::OtherServer {
                        expected: format!("speaking {}", other.held.as_str()),
                        found: format!("one speaking {}", other.asked.as_str()),
                    });
                }
                Ok(core
                    .store
                    .set_server(Some(&server_url), client_id, options.rebind)?)
            };
            blocking(&core, name).await?;
            core.relinked(Some(Arc::new(transport)), session);
            core.hints.token_given();
            Ok(())
        };
        self.inner.in_order(connect).await
    }

    /// Asks the server whether it is there and takes the token. Changes nothing.
    ///
    /// Fails with `Offline`, `NeedsAuth`, `Server`, or `Protocol` if what
    /// answers is no server of ours.
    pub async fn probe(&self) -> Result<()> {
        let (transport, epoch) = self.server()?;
        let (client_id, protocol) = self
            .inner
            .blocking(|core| {
                let meta = core.store.read(metadata::get)?;
                Ok((meta.client_id, meta.protocol))
            })
            .await?;
        let core = Arc::clone(&self.inner.core);
        let task = self.inner.handle.spawn(async move {
            let health = transport.send(Request::get(HEALTH_PATH)).await?;
            if matches!(health.status, 429 | 500..=599) {
                return Err(WildThingError::Server {
                    status: health.status,
                    detail: "the server is not well".into(),
                });
            }
            if protocol != Protocol::V1 {
                let status = transport.send(Request::get(status_path(&client_id))).await?;
                match status.status {
                    200 => return Ok(()),
                    404 if protocol == Protocol::Auto => {}
                    404 => return Err(unknown_protocol("v2")),
                    _ => return Err(refused(&status)),
                }
            }
            // Asks for nothing, but with the token. Far ahead, so that no server has anything to list.
            let nothing = SyncRequest {
                client_id,
                last_sync: Timestamp::parse("2099-01-01T00:00:00").ok(),
                kinds: vec![Kind::House],
                include_deleted: false,
                state_digest: true,
            };
            let body = nothing.encode().to_string().into_bytes();
            let answer = transport.send(Request::post(REQUEST_PATH, body)).await?;
            match answer.status {
                200 => Delta::decode(&answer.body)
                    .map(|_| ())
                    .map_err(|error| WildThingError::Protocol {
                        problem: error.to_string(),
                    }),
                404 => Err(unknown_protocol("v1")),
                _ => Err(refused(&answer)),
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
        let (server, _) = self.server()?;
        let core = &self.inner.core;
        let now = core.seam.now();
        core.link
            .retoken(&server, token, now, &core.store, &core.broadcaster)?;
        core.hints.token_given();
        Ok(())
    }

    /// Forgets the server and the token; the replica and its outbox stay.
    pub async fn disconnect(&self) -> Result<()> {
        let disconnect = |core: Arc<Core>| async move {
            core.ready()?;
            // What can fail comes first: a call that fails changes nothing.
            blocking(&core, |core| Ok(core.store.set_server(None, None, false)?)).await?;
            core.stop_background().await;
            core.engine.cancel();
            core.relinked(None, None);
            Ok(())
        };
        self.inner.in_order(disconnect).await
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
        let pause = |core: Arc<Core>| async move {
            core.open()?;
            // Before calls begin to fail, for those who ask until the sync has ended.
            let noted = blocking(&core, |core| {
                core.note_status();
                Ok(())
            });
            // Without it there is a little less to tell, and no reason not to pause.
            let _ = noted.await;
            core.paused.store(true, Ordering::Release);
            core.engine.stop().await;
            let close = |core: &Core| {
                core.note_status();
                core.store.close();
                core.restated();
                Ok(())
            };
            blocking(&core, close).await
        };
        self.inner.in_order(pause).await
    }

    /// Opens the file again. A background sync tries at once.
    pub async fn resume(&self) -> Result<()> {
        let resume = |core: Arc<Core>| async move {
            core.open()?;
            blocking(&core, |core| Ok(core.store.reopen()?)).await?;
            core.engine.allow();
            core.paused.store(false, Ordering::Release);
            *lock(&core.at_pause) = None;
            core.restated();
            core.hints.now.notify_one();
            Ok(())
        };
        self.inner.in_order(resume).await
    }

    /// Ends background work and a running sync, and closes the file. Calls
    /// fail with `Cancelled` from here on. Streams, observers and live queries
    /// end, the first two once they have what happened until now; an observer
    /// that is busy is not waited for.
    pub async fn shutdown(&self) {
        let shutdown = |core: Arc<Core>| async move {
            core.stop_background().await;
            core.shut.store(true, Ordering::Release);
            core.engine.stop().await;
            core.end();
            blocking(&core, |core| {
                core.store.close();
                Ok(())
            })
            .await
        };
        // Nobody could do anything about a failure: the client is over.
        let _ = self.inner.in_order(shutdown).await;
    }
}

/// What answers is a server, but not of the protocol.
fn unknown_protocol(protocol: &str) -> WildThingError {
    WildThingError::Protocol {
        problem: format!("the server does not know Inbetweenies {protocol}; is the URL right?"),
    }
}

/// An answer to the probe that was not hoped for.
fn refused(answer: &Response) -> WildThingError {
    match answer.status {
        401 | 403 => WildThingError::NeedsAuth {
            status: answer.status,
        },
        status => WildThingError::Server {
            status,
            detail: String::from_utf8_lossy(&answer.body).chars().take(200).collect(),
        },
    }
}

impl WildThingClient {
    /// Encrypts the replica with another key, for the first time, or (`None`) not
    /// any more. The file is written anew and takes the place of the old one: there
    /// must be room for both. Other calls wait meanwhile.
    ///
    /// Fails with `Storage`, and changes nothing, with code `busy` while another
    /// process has the file open, and `no_encryption` where this library was built
    /// without the feature `sqlcipher`. A program that dies on the way finds the file
    /// with the one key or the other: keep both until this has returned.
    pub async fn change_key(&self, new: Option<ReplicaKey>) -> Result<()> {
        let change = |core: Arc<Core>| async move {
            core.ready()?;
            blocking(&core, |core| Ok(core.store.change_key(new)?)).await
        };
        self.inner.in_order(change).await
    }

    /// The server, and its number among those that were connected to.
    pub(super) fn server(&self) -> Result<(Arc<HttpTransport>, u64)> {
        self.inner.core.link.server().ok_or(WildThingError::NotConnected)
    }
}

impl Core {
    /// Keeps how things stand for those who ask while the client is paused. The
    /// first of two pauses knew more.
    fn note_status(&self) {
        if let Ok(status) = self.status() {
            *lock(&self.at_pause) = Some(status);
        }
    }
}

fn build(path: PathBuf, key: Option<ReplicaKey>, options: OpenOptions, seam: SharedSeam) -> Result<Core> {
    let store = Arc::new(Store::open_with_key(
        StoreOptions {
            path: Some(path),
            full_sync: options.durability.unwrap_or_default() == Durability::Full,
            echo: options.echo,
        },
        key,
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
        link,
        tokens: Tokens::default(),
        turn: Arc::default(),
        background: Mutex::new(None),
        at_pause: Mutex::new(None),
        paused: AtomicBool::new(false),
        shut: AtomicBool::new(false),
        callers: Mutex::new(0),
        sync_on_write: options.sync_on_write,
    })
}
