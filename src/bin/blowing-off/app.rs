//! What a command works with: the config, the client and the output.

use std::path::PathBuf;
use std::time::Duration;

use tokio::time::timeout;
use wildthing::client::types::OpenOptions;
use wildthing::client::{ConnectOptions, ReplicaKey, WildThingClient, WildThingError};

use crate::args::Global;
use crate::config::{Config, FILE_NAME};
use crate::failure::{Failure, Outcome};
use crate::key;
use crate::output::Out;
use crate::secret::Secret;

/// How long ending may take: what still hangs then is left to the next start,
/// which goes on from any state.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// One run of a command that needs the replica.
pub(crate) struct App {
    /// Where to print.
    pub(crate) out: Out,
    /// The config as it was when the run began.
    pub(crate) config: Config,
    echo: bool,
    key_file: Option<PathBuf>,
}

impl App {
    /// Reads the config; opens nothing yet.
    pub(crate) fn new(global: &Global, out: Out) -> Outcome<Self> {
        let path = global.config.clone().unwrap_or_else(|| PathBuf::from(FILE_NAME));
        Ok(Self {
            out,
            config: Config::load(&path)?,
            echo: global.echo,
            key_file: global.key_file.clone(),
        })
    }

    /// Opens the replica for `work` and closes it afterwards, however that went.
    pub(crate) async fn with_client<T>(
        &self,
        work: impl AsyncFnOnce(&WildThingClient) -> Outcome<T>,
    ) -> Outcome<T> {
        let options = OpenOptions {
            echo: self.echo,
            ..OpenOptions::default()
        };
        let path = self.config.database();
        let client = match self.key()? {
            Some(key) => WildThingClient::open_encrypted(path, key, options).await?,
            None => WildThingClient::open(path, options).await?,
        };
        let outcome = work(&client).await;
        let _ = timeout(PATIENCE, client.shutdown()).await;
        outcome
    }

    /// The key of the database: that of the flag, else the environment's, else the
    /// saved one.
    fn key(&self) -> Outcome<Option<ReplicaKey>> {
        if let Some(file) = &self.key_file {
            return key::from_file(file).map(Some);
        }
        match key::from_environment()? {
            Some(key) => Ok(Some(key)),
            None => self
                .config
                .key_file()
                .map(|file| key::from_file(&file))
                .transpose(),
        }
    }

    /// The token of this run: the environment's, else the saved one.
    pub(crate) fn token(&self) -> Outcome<Option<Secret>> {
        Ok(Secret::from_environment()?.or_else(|| self.config.auth_token()))
    }

    /// Tells the client of the saved server; no word goes to the server yet.
    pub(crate) async fn connect(&self, client: &WildThingClient) -> Outcome {
        self.connect_with(client, self.token()?.as_ref()).await
    }

    /// The same with this token.
    pub(crate) async fn connect_with(&self, client: &WildThingClient, token: Option<&Secret>) -> Outcome {
        let Some(server_url) = self.config.server_url() else {
            return Err(WildThingError::NotConnected.into());
        };
        let options = ConnectOptions {
            client_id: self.config.client_id().map(str::to_owned),
            root_certificate_pem: self.config.root_certificate().map(str::to_owned),
            pinned_certificate_sha256: self.config.pin().map(str::to_owned),
            protocol: self.config.protocol(),
            allow_plain_http: self.config.allow_plain_http(),
            ..ConnectOptions::default()
        };
        client
            .connect(server_url.to_owned(), Secret::told(token), Some(options))
            .await?;
        self.remember_client_id(client).await
    }

    /// The token that syncing exchanged `shown` for, if it did. It is saved where
    /// `shown` was.
    pub(crate) fn keep_token(
        &self,
        client: &WildThingClient,
        shown: Option<&Secret>,
    ) -> Outcome<Option<Secret>> {
        let Some(session) = client.auth_session() else {
            return Ok(None);
        };
        let fresh = Secret::from(session.auth_token.as_str());
        if shown.is_none_or(|shown| *shown == fresh) {
            return Ok(None);
        }
        // Read again: another process may have saved another token meanwhile.
        let mut config = Config::load(self.config.path())?;
        if config.auth_token().as_ref() == shown {
            config.set_token(Some(&fresh));
            config.save()?;
        }
        Ok(Some(fresh))
    }

    /// A database that was replaced brings its own client id; the config follows.
    async fn remember_client_id(&self, client: &WildThingClient) -> Outcome {
        let client_id = client.client_id().await?;
        if self.config.client_id() == Some(client_id.as_str()) {
            return Ok(());
        }
        // Read again: another process may have saved a new token meanwhile.
        let mut config = Config::load(self.config.path())?;
        if config.set_client_id(&client_id) {
            config.save()?;
        }
        Ok(())
    }
}

/// Runs what needs the client, on a runtime just large enough: the client brings its own.
pub(crate) fn block_on<T>(work: impl Future<Output = Outcome<T>>) -> Outcome<T> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| {
            Failure::from(WildThingError::Internal {
                detail: format!("no runtime: {error}"),
            })
        })?;
    let outcome = runtime.block_on(work);
    // Nothing that still runs may hold up the end of the process.
    runtime.shutdown_background();
    outcome
}
