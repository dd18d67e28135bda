//! Where a stage gets hold of clients that are opened in its folder by the public
//! `open` (feature `testing`): it gives them their seam, and listens to them.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, Weak};

use super::WildThingClient;
use super::core::lock;
use crate::observe::ChangeStream;
use crate::seam::SharedSeam;
use crate::store::Store;

/// What a stage needs of a client: without keeping it alive.
#[derive(Debug)]
pub struct Watched {
    /// Its replica.
    pub store: Arc<Store>,
    /// Its changes since it was opened.
    pub changes: Arc<ChangeStream>,
}

/// Who has a say when a replica is opened.
pub trait Director: Send + Sync {
    /// What the client at `path` takes for clock, timers and randomness.
    fn seam(&self, path: &Path) -> SharedSeam;
    /// It is open.
    fn opened(&self, client: Watched);
}

/// Directors and the folders that are theirs.
static DIRECTORS: Mutex<Vec<(PathBuf, Weak<dyn Director>)>> = Mutex::new(Vec::new());

/// Gives `director` the say about replicas below `folder`, as long as it lives.
pub fn direct(folder: &Path, director: &Arc<dyn Director>) {
    let mut directors = lock(&DIRECTORS);
    directors.retain(|(_, director)| director.strong_count() > 0);
    directors.push((folder.to_owned(), Arc::downgrade(director)));
}

/// Who has the say about a replica at `path`.
pub(super) fn director_of(path: &Path) -> Option<Arc<dyn Director>> {
    let directors = lock(&DIRECTORS);
    let mut theirs = directors.iter().filter(|(folder, _)| path.starts_with(folder));
    theirs.find_map(|(_, director)| director.upgrade())
}

impl WildThingClient {
    pub(super) fn watched(&self) -> Watched {
        Watched {
            store: Arc::clone(&self.inner.core.store),
            changes: self.changes(),
        }
    }
}
