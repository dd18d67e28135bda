//! Opening, and what a key is, for languages that know no generics.

use std::sync::Arc;

use zeroize::Zeroizing;

use crate::client::{OpenOptions, ReplicaKey, Result, WildThingClient, WildThingError};

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

    /// Opens or makes an encrypted replica: `open` with a key of 32 random bytes,
    /// best made and kept by the key store of the platform. A password is no key.
    ///
    /// Fails with `Invalid` if the key has not 32 bytes, and with `Storage`, touching
    /// nothing, if the file was encrypted with another key (code `wrong_key`) or is
    /// not encrypted (`not_encrypted`: open it without a key, and then `change_key`).
    /// A library that was built without encryption fails with code `no_encryption`.
    #[uniffi::constructor(name = "open_encrypted", default(options = None))]
    pub async fn open_path_encrypted(
        path: String,
        key: Vec<u8>,
        options: Option<OpenOptions>,
    ) -> Result<Arc<Self>> {
        let key = key_of("key", key)?;
        Self::open_encrypted(path, key, options.unwrap_or_default())
            .await
            .map(Arc::new)
    }

    /// Encrypts the replica with another key of 32 bytes, for the first time, or
    /// (none) not any more. The file is written anew and takes the place of the old
    /// one: there must be room for both. Other calls wait meanwhile.
    ///
    /// Fails with `Invalid` if the key has not 32 bytes, and with `Storage`, changing
    /// nothing, with code `busy` while another process has the file open, and
    /// `no_encryption` if the library was built without. A program that dies on the way
    /// finds the file with the one key or the other: keep both until this has returned.
    #[uniffi::method(name = "change_key")]
    pub async fn change_key_bytes(&self, new_key: Option<Vec<u8>>) -> Result<()> {
        let new = new_key.map(|key| key_of("new_key", key)).transpose()?;
        self.change_key(new).await
    }
}

fn key_of(field: &str, bytes: Vec<u8>) -> Result<ReplicaKey> {
    let bytes = Zeroizing::new(bytes);
    ReplicaKey::new(&bytes).ok_or_else(|| WildThingError::Invalid {
        field: field.to_owned(),
        problem: format!("a key has {} bytes, not {}", ReplicaKey::LENGTH, bytes.len()),
    })
}
