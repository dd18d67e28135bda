//! Hearing of changes: streams and observers.

use std::sync::Arc;
use std::time::Duration;

use super::WildThingClient;
use super::core::Core;
use crate::observe::{ChangeObserver, ChangeStream, ChangeSubscription};
use crate::seam::Wait;

/// How often other processes' commits are looked for while somebody listens.
const FOLLOW_EVERY: Duration = Duration::from_millis(200);

#[uniffi::export]
impl WildThingClient {
    /// A stream of changes from now on: this client's, the server's, and those
    /// that other processes commit to the same file. Of theirs, it may also tell
    /// what was committed in the last 200 ms before.
    pub fn changes(&self) -> Arc<ChangeStream> {
        let core = &self.inner.core;
        let stream = core.broadcaster.stream();
        core.listened();
        Arc::new(stream)
    }

    /// Calls an observer with the same changes, until the subscription is
    /// cancelled or dropped or the client ends.
    ///
    /// An observer that holds this client keeps it from ending by itself:
    /// cancel the subscription, or call `shutdown`.
    pub fn observe_changes(&self, observer: Arc<dyn ChangeObserver>) -> Arc<ChangeSubscription> {
        let core = &self.inner.core;
        let subscription = core.broadcaster.observe(observer);
        core.listened();
        Arc::new(subscription)
    }
}

#[cfg(feature = "testing")]
impl WildThingClient {
    /// How many streams, observers and live queries there are.
    pub fn subscriptions(&self) -> usize {
        self.inner.core.broadcaster.listeners()
    }

    /// The replica below, to inject faults into.
    pub fn store(&self) -> &crate::store::Store {
        &self.inner.core.store
    }
}

/// Looks for commits of others while somebody listens; waits otherwise.
pub(super) async fn follow(core: Arc<Core>) {
    let mut audience = core.broadcaster.audience();
    loop {
        if audience.wait_for(|count| *count > 0).await.is_err() {
            return;
        }
        loop {
            core.seam.wait(Wait::Follow, FOLLOW_EVERY).await;
            // Only after the wait: who comes and goes within it costs nothing.
            if core.follower.stop(&core.broadcaster) {
                break;
            }
            let looked = Arc::clone(&core);
            let poll = move || looked.follower.poll(&looked.store, &looked.broadcaster);
            match tokio::task::spawn_blocking(poll).await {
                Ok(Ok(())) => {}
                // Paused or failing: whoever calls next hears of it; this looks again later.
                Ok(Err(error)) => tracing::debug!(%error, "could not look for changes of others"),
                Err(_) => return,
            }
        }
    }
}
