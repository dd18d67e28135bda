//! SIGINT and SIGTERM, as one thing to wait for.

use crate::failure::{Exit, Failure, Outcome};

/// Listens from the moment it is made.
#[derive(Debug)]
pub(crate) struct Stop {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

impl Stop {
    /// Takes the signals over; from here on they no longer end the process by themselves.
    pub(crate) fn listen() -> Outcome<Self> {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            let take = |kind| signal(kind).map_err(|error| unheard(&error));
            Ok(Self {
                interrupt: take(SignalKind::interrupt())?,
                terminate: take(SignalKind::terminate())?,
            })
        }
        #[cfg(not(unix))]
        Ok(Self {})
    }

    /// Completes when somebody wants this process to stop.
    pub(crate) async fn requested(&mut self) -> Outcome {
        #[cfg(unix)]
        {
            tokio::select! {
                _ = self.interrupt.recv() => Ok(()),
                _ = self.terminate.recv() => Ok(()),
            }
        }
        #[cfg(not(unix))]
        tokio::signal::ctrl_c().await.map_err(|error| unheard(&error))
    }
}

fn unheard(error: &std::io::Error) -> Failure {
    Failure::new(
        Exit::Failed,
        "signals",
        format!("signals can't be listened to: {error}"),
        "run the command in an ordinary shell",
    )
}
