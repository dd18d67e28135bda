//! What a command works with: the config, the client and the output.

use std::path::PathBuf;
use std::time::Duration;

use tokio::time::timeout;
use wildthing::client::types::OpenOptions;
use wildthing::client::{ConnectOptions, WildThingClient, WildThingError};

use crate::args::Global;
use crate::config::{Config, FILE_NAME};
use crate::failure::{Failure, Outcome};
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
}

impl App {
    /// Reads the config; opens nothing yet.
    pub(crate) fn new(global: &Global, out: Out) -> Outcome<Self> {
        let path = global.config.clone().unwrap_or_else(|| PathBuf::from(FILE_NAME));
        Ok(Self {
            out,
            config: Config::load(&path)?,
            echo: global.echo,
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
        let client = WildThingClient::open(self.config.database(), options).await?;
        let outcome = work(&client).await;
        let _ = timeout(PATIENCE, client.shutdown()).await;
        outcome
    }

    /// The token of this run: the environment's, else the saved one.
    pub(crate) fn token(&self) -> Outcome<Option<Secret>> {
        Ok(Secret::from_environment()?.or_else(|| self.config.auth_token()))
    }

    /// Tells the client of the saved server; no word goes to the server yet.
    pub(crate) async fn connect(&self, client: &WildThingClient) -> Outcome {
        let Some(server_url) = self.config.server_url() else {
            return Err(WildThingError::NotConnected.into());
        };
        let token = self.token()?;
        let options = ConnectOptions {
            client_id: self.config.client_id().map(str::to_owned),
            protocol: self.config.protocol(),
            ..ConnectOptions::default()
        };
        client
            .connect(server_url.to_owned(), Secret::told(token.as_ref()), Some(options))
            .await?;
        self.remember_client_id(client).await
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
