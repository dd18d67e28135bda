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
        #[cfg(feature = "testing")]
        if super::testing::FixedSeam::is_for(std::path::Path::new(&path)) {
            let seam = Arc::new(super::testing::FixedSeam::default());
            return Self::open_on(path, options.unwrap_or_default(), seam)
                .await
                .map(Arc::new);
        }
        Self::open(path, options.unwrap_or_default()).await.map(Arc::new)
    }
}
