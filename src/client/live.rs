//! A question whose answer is given again whenever it changes.

use std::sync::{Arc, Weak};
use std::time::Duration;

use super::core::Inner;
use super::{Result, WildThingClient, WildThingError};
use crate::observe::{Interest, Watching};
use crate::seam::{BoxFuture, Wait};

/// How long changes are gathered after the first one.
const GATHER: Duration = Duration::from_millis(30);

/// How a question is asked of a client.
type Ask<T> = Box<dyn Fn(WildThingClient) -> BoxFuture<'static, Result<T>> + Send + Sync>;

/// A live query. It does not keep its client alive; dropping it cancels it.
pub struct LiveQuery<T> {
    client: Weak<Inner>,
    watching: Watching,
    ask: Ask<T>,
    /// What was answered last. Held by the caller that waits.
    given: tokio::sync::Mutex<Option<Result<T>>>,
}

impl<T> std::fmt::Debug for LiveQuery<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LiveQuery")
            .field("watching", &self.watching)
            .finish_non_exhaustive()
    }
}

/// Marks the changes as not looked at, unless an answer came of them.
struct Looking<'a>(Option<&'a Watching>);

impl Drop for Looking<'_> {
    fn drop(&mut self) {
        if let Some(watching) = self.0 {
            watching.unseen();
        }
    }
}

impl<T: Clone + PartialEq + Send + 'static> LiveQuery<T> {
    /// A question whose answer depends on `interest`.
    pub(super) fn new<F>(
        client: &WildThingClient,
        interest: Interest,
        ask: impl Fn(WildThingClient) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<T>> + Send + 'static,
    {
        Self {
            client: Arc::downgrade(&client.inner),
            watching: client.inner.core.watch(interest),
            ask: Box::new(move |client| Box::pin(ask(client))),
            given: tokio::sync::Mutex::new(None),
        }
    }

    /// The answer now; from the second call on, the answer once it is another
    /// than the last one given. Changes within 30 ms make one answer.
    ///
    /// While the client is paused this waits. An error is an answer too: it is
    /// given once, and the next call waits for another answer. `None` after
    /// [`LiveQuery::cancel`] and after the end of the client. Nothing is lost
    /// by giving up on the call; two callers at a time take turns.
    pub async fn next(&self) -> Result<Option<T>> {
        let mut given = self.given.lock().await;
        loop {
            if !self.watching.changed().await || !self.gathered(given.is_some()).await {
                return Ok(None);
            }
            let mut looking = Looking(Some(&self.watching));
            self.watching.seen();
            let Some(inner) = self.client.upgrade() else {
                return Ok(None);
            };
            let answer = (self.ask)(WildThingClient { inner }).await;
            match &answer {
                // A resume is a change; the end is told to those who watch.
                Err(WildThingError::Paused | WildThingError::Cancelled) => {}
                _ if given.as_ref() == Some(&answer) => {}
                _ => {
                    looking.0 = None;
                    *given = Some(answer.clone());
                    return answer.map(Some);
                }
            }
            looking.0 = None;
        }
    }

    /// Ends the query at once: a waiting [`LiveQuery::next`] gives `None`. May
    /// be called again.
    pub fn cancel(&self) {
        self.watching.cancel();
    }

    /// Lets changes gather, unless this is the first answer; false if it is over.
    async fn gathered(&self, waits: bool) -> bool {
        if !waits {
            return true;
        }
        let Some(inner) = self.client.upgrade() else {
            return false;
        };
        // On the client's own runtime: the caller may come from any other.
        let seam = inner.core.seam.clone();
        let pause = inner
            .handle
            .spawn(async move { seam.wait(Wait::Gather, GATHER).await });
        drop(inner);
        tokio::select! {
            _ = pause => true,
            () = self.watching.over() => false,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use tokio::sync::{Semaphore, mpsc};

    use super::super::OpenOptions;
    use super::*;

    /// A query whose answer is `value`, told when it is asked and answered when it may.
    struct Asked {
        client: WildThingClient,
        value: Arc<AtomicU64>,
        may_answer: Arc<Semaphore>,
        asked: mpsc::UnboundedReceiver<()>,
        query: Arc<LiveQuery<u64>>,
        _folder: tempfile::TempDir,
    }

    async fn asked() -> Asked {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("home.db");
        let client = WildThingClient::open(path, OpenOptions::default()).await.unwrap();
        let (value, may_answer) = (Arc::new(AtomicU64::new(1)), Arc::new(Semaphore::new(0)));
        let (tell, asked) = mpsc::unbounded_channel();
        let (answer, permits) = (Arc::clone(&value), Arc::clone(&may_answer));
        let query = LiveQuery::new(&client, Interest::STATUS, move |_| {
            let (answer, permits, tell) = (Arc::clone(&answer), Arc::clone(&permits), tell.clone());
            async move {
                tell.send(()).unwrap();
                permits.acquire().await.unwrap().forget();
                Ok(answer.load(Ordering::SeqCst))
            }
        });
        Asked {
            client,
            value,
            may_answer,
            asked,
            query: Arc::new(query),
            _folder: folder,
        }
    }

    impl Asked {
        fn next(&self) -> tokio::task::JoinHandle<Result<Option<u64>>> {
            let query = Arc::clone(&self.query);
            tokio::spawn(async move { query.next().await })
        }
    }

    async fn soon<T>(work: impl Future<Output = T>) -> T {
        tokio::time::timeout(Duration::from_secs(60), work).await.unwrap()
    }

    #[tokio::test]
    async fn an_answer_that_did_not_change_is_not_given() {
        let mut it = asked().await;
        it.may_answer.add_permits(2);
        assert_eq!(soon(it.next()).await.unwrap(), Ok(Some(1)));
        let waiting = it.next();
        it.client.inner.core.restated();
        for _ in 0..2 {
            soon(it.asked.recv()).await.unwrap();
        }
        // The second question has had its answer by the time it may be asked a third.
        it.client.inner.core.restated();
        soon(it.asked.recv()).await.unwrap();
        it.value.store(2, Ordering::SeqCst);
        it.may_answer.add_permits(1);
        assert_eq!(soon(waiting).await.unwrap(), Ok(Some(2)));
    }

    #[tokio::test]
    async fn a_change_is_not_lost_with_a_caller_that_gave_up() {
        let mut it = asked().await;
        let given_up = it.next();
        soon(it.asked.recv()).await.unwrap();
        given_up.abort();
        assert!(given_up.await.is_err());
        it.may_answer.add_permits(1);
        assert_eq!(soon(it.next()).await.unwrap(), Ok(Some(1)));
    }
}
