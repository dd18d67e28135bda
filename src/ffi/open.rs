//! Opening, for languages that know no generics.

use std::sync::Arc;

use crate::client::{OpenOptions, Result, WildThingClient};

#[uniffi::export]
impl WildThingClient {
    /// Opens or makes a replica at `path`. Everything but sync works from here
    /// on, with no server known.
    ///
    /// Fails with `Storage` if the file can't be used; a file that is not ours,
    /// or newer, is left untouched. A damaged one is set aside and what could
    /// be read of its unsent edits is carried over.
    #[uniffi::constructor(name = "open", default(options = None))]
    pub async fn open_path(path: String, options: Option<OpenOptions>) -> Result<Arc<Self>> {
        Self::open(path, options.unwrap_or_default()).await.map(Arc::new)
    }
}
