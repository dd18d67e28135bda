//! Encryption at rest: the key of a replica, and which file it opens.
//!
//! With the feature `sqlcipher` every page of the database, its WAL and its journal
//! is encrypted (AES-256) and authenticated (HMAC-SHA-512). Here it is told whether a
//! file can't be read for want of its key, or because it is damaged: what can't be
//! read is never touched. How a key is changed is in `rekey`.

use std::fmt;
use std::fs::File;
use std::path::Path;
#[cfg(unix)]
use std::{
    collections::{BTreeMap, btree_map::Entry},
    sync::Mutex,
};

use rusqlite::Connection;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::StoreError;
#[cfg(unix)]
use super::lock;
use super::open::with_suffix;
use super::repair::size;

/// How a file begins that is not encrypted.
const PLAIN_HEAD: &[u8] = b"SQLite format 3\0";
/// A page of a database, as all of ours have.
const PAGE: usize = 4_096;
/// How long the salt is with which an encrypted file begins.
const SALT: usize = 16;

/// The key of an encrypted replica: 32 random bytes, best made and kept by the key
/// store of the platform. It is used as it is: a password is no key, and has to be
/// made one by a function that is meant for that.
///
/// Shown nowhere; its bytes are overwritten when it is dropped.
#[derive(Clone)]
pub struct ReplicaKey(Zeroizing<[u8; 32]>);

impl ReplicaKey {
    /// How many bytes a key has.
    pub const LENGTH: usize = 32;

    /// A key of these bytes; `None` if they are not 32.
    pub fn new(bytes: &[u8]) -> Option<Self> {
        let mut key = Zeroizing::new([0; Self::LENGTH]);
        if bytes.len() != key.len() {
            return None;
        }
        key.copy_from_slice(bytes);
        Some(Self(key))
    }

    /// What an encrypted file begins with. SQLCipher makes it by chance, and without
    /// it no page can be read. Made from the key, it is known also of a file whose
    /// head is damaged, and tells whether the key is that of the file.
    fn salt(&self) -> [u8; SALT] {
        let digest = Sha256::new()
            .chain_update(b"the salt of a replica with the key ")
            .chain_update(*self.0)
            .finalize();
        let mut salt = [0; SALT];
        salt.copy_from_slice(&digest[..SALT]);
        salt
    }

    /// Key and salt as SQLCipher takes them, where nothing is to be derived.
    #[cfg(feature = "sqlcipher")]
    pub(super) fn literal(&self) -> Zeroizing<String> {
        use std::fmt::Write as _;
        // As long as it gets, so that no part of it is left behind by growing.
        let mut text = Zeroizing::new(String::with_capacity(2 * (Self::LENGTH + SALT) + 3));
        text.push_str("x'");
        for byte in self.0.iter().chain(&self.salt()) {
            // Writing to a String does not fail.
            let _ = write!(text, "{byte:02x}");
        }
        text.push('\'');
        text
    }
}

impl fmt::Debug for ReplicaKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReplicaKey(..)")
    }
}

/// Fails where a key was given and this build could not use it: an app that thinks
/// its file encrypted must not go on with one that is not.
pub(super) fn supported(key: Option<&ReplicaKey>) -> Result<(), StoreError> {
    match key {
        Some(_) if !cfg!(feature = "sqlcipher") => Err(StoreError::NoEncryption),
        _ => Ok(()),
    }
}

/// Gives a connection the key. Whether it is the right one shows at the first read.
#[cfg(feature = "sqlcipher")]
pub(super) fn unlock(connection: &Connection, key: Option<&ReplicaKey>) -> Result<(), StoreError> {
    let Some(key) = key else { return Ok(()) };
    // It would tell standard error of every page that it can't read: that is an error
    // here, and told by whoever gets it.
    connection.query_row("PRAGMA cipher_log_level = NONE", [], |_| Ok(()))?;
    connection.key(Some("main"), key.literal().as_bytes(), false)?;
    Ok(())
}

#[cfg(not(feature = "sqlcipher"))]
pub(super) fn unlock(_: &Connection, key: Option<&ReplicaKey>) -> Result<(), StoreError> {
    supported(key)
}

/// What an error of an open replica means where there is a key: a page that was
/// spoilt fails to decrypt, and after that the connection reads nothing.
pub(super) fn damage(error: StoreError, key: Option<&ReplicaKey>) -> StoreError {
    match (error, key) {
        (error @ (StoreError::NotADatabase { .. } | StoreError::Unexpected { .. }), Some(_)) => {
            StoreError::Corrupt {
                path: String::from("the database"),
                problem: error.to_string(),
            }
        }
        (error, _) => error,
    }
}

/// Whether a file is what the key, or the lack of one, promises. An error means that
/// it is not to be touched: neither it nor its WAL says anything of its health then.
pub(super) fn check_key(path: &Path, key: Option<&ReplicaKey>) -> Result<(), StoreError> {
    supported(key)?;
    let head = head(path)?;
    let place = path.display().to_string();
    if head.len() <= 1 {
        return check_wal(path, key, place);
    }
    match key {
        Some(_) if head.starts_with(PLAIN_HEAD) => Err(StoreError::NotEncrypted { path: place }),
        Some(key) if fits(path, &head, key)? => Ok(()),
        Some(_) if looks_encrypted(path, &head) => Err(StoreError::WrongKey { path: place }),
        Some(_) => Err(StoreError::NotADatabase { path: place }),
        None if looks_encrypted(path, &head) => Err(StoreError::KeyNeeded { path: place }),
        None => Ok(()),
    }
}

/// The first page of a file, or what there is of it; nothing if there is no file.
fn head(path: &Path) -> Result<Vec<u8>, StoreError> {
    match read_head(path) {
        Ok(head) => Ok(head),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(StoreError::CantOpen {
            path: path.display().to_string(),
            problem: error.to_string(),
        }),
    }
}

/// On Unix a process that closes a file, however it opened it, gives up every lock it
/// has on it: also those of another replica of this process, which may have the file
/// open with the right key. So what is opened here stays open, once for each file, until
/// that is deleted.
#[cfg(unix)]
fn read_head(path: &Path) -> std::io::Result<Vec<u8>> {
    use std::os::unix::fs::{FileExt as _, MetadataExt as _};
    static KEPT: Mutex<BTreeMap<(u64, u64), File>> = Mutex::new(BTreeMap::new());
    let found = std::fs::metadata(path)?;
    let mut kept = lock(&KEPT);
    // Whoever still has a file open that has no name any more is alone with it.
    kept.retain(|_, file| file.metadata().map_or(true, |file| file.nlink() > 0));
    let file = match kept.entry((found.dev(), found.ino())) {
        Entry::Occupied(known) => known.into_mut(),
        Entry::Vacant(place) => place.insert(File::open(path)?),
    };
    let mut head = vec![0; PAGE];
    let mut length = 0;
    loop {
        match file.read_at(&mut head[length..], length as u64)? {
            0 => break,
            more => length += more,
        }
    }
    head.truncate(length);
    Ok(head)
}

#[cfg(not(unix))]
fn read_head(path: &Path) -> std::io::Result<Vec<u8>> {
    use std::io::Read as _;
    let mut head = Vec::new();
    File::open(path)?.take(PAGE as u64).read_to_end(&mut head)?;
    Ok(head)
}

/// The same of a WAL that lost its database. It has the head of the database among
/// its pages, unless it is a short one: then it is nobody's who has a key.
fn check_wal(path: &Path, key: Option<&ReplicaKey>, place: String) -> Result<(), StoreError> {
    const HEADER: usize = 32;
    const FRAME: usize = 24;
    let wal = match std::fs::read(with_suffix(path, "-wal")) {
        Ok(wal) => wal,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(super::repair::io(error)),
    };
    let mut frames = wal
        .get(HEADER..)
        .unwrap_or_default()
        .chunks_exact(FRAME + PAGE)
        .map(|frame| frame.split_at(FRAME));
    let mut heads = frames.clone().filter(|(frame, _)| frame[..4] == [0, 0, 0, 1]);
    match key {
        _ if wal.is_empty() => Ok(()),
        Some(key) if heads.clone().any(|(_, page)| page.starts_with(&key.salt())) => Ok(()),
        Some(_) if heads.any(|(_, page)| page.starts_with(PLAIN_HEAD)) => {
            Err(StoreError::NotEncrypted { path: place })
        }
        Some(_) => Err(StoreError::WrongKey { path: place }),
        None if frames.any(|(_, page)| is_of_chance(page)) => Err(StoreError::KeyNeeded { path: place }),
        None => Ok(()),
    }
}

/// Whether a file seems to be encrypted: pages, whole ones, and the first of chance.
fn looks_encrypted(path: &Path, head: &[u8]) -> bool {
    head.len() == PAGE && size(path).is_multiple_of(PAGE as u64) && is_of_chance(head)
}

/// Whether a page has no byte much more often than chance would, which is 16 times.
fn is_of_chance(page: &[u8]) -> bool {
    let mut counts = [0_u32; 256];
    for byte in page {
        counts[usize::from(*byte)] += 1;
    }
    counts.iter().all(|count| *count < 80)
}

/// Whether the key is that of the file, also if that is damaged.
#[cfg(feature = "sqlcipher")]
fn fits(path: &Path, head: &[u8], key: &ReplicaKey) -> Result<bool, StoreError> {
    Ok(head.starts_with(&key.salt()) || any_page_fits(path, key)?)
}

/// A single page that the key has authenticated is proof enough.
#[cfg(feature = "sqlcipher")]
fn any_page_fits(path: &Path, key: &ReplicaKey) -> Result<bool, StoreError> {
    use rusqlite::OpenFlags;
    /// SQLite keeps this page of a large file for its locks; nothing is ever in it.
    const LOCK_PAGE: u64 = 0x4000_0000 / PAGE as u64 + 1;
    let pages = size(path) / PAGE as u64;
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    unlock(&connection, Some(key))?;
    // It looks at the pages of the file one by one, takes no lock and reads no WAL.
    let mut statement = connection.prepare("PRAGMA cipher_integrity_check")?;
    let mut unfit = u64::from(pages >= LOCK_PAGE);
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let problem: String = row.get(0)?;
        // The end of a file that was cut is told as well, and is no page.
        unfit += u64::from(!problem.contains("invalid size"));
    }
    Ok(unfit < pages)
}

#[cfg(not(feature = "sqlcipher"))]
fn fits(_: &Path, _: &[u8], _: &ReplicaKey) -> Result<bool, StoreError> {
    Err(StoreError::NoEncryption)
}

/// The key that replicas have for which none is given, in a build for tests: so that
/// the tests of everything else can be run with encryption.
#[cfg(feature = "testing")]
pub(super) fn key_of_tests() -> Option<ReplicaKey> {
    let byte = std::env::var("WILDTHING_TEST_KEY").ok()?.parse().ok()?;
    Some(ReplicaKey(Zeroizing::new([byte; ReplicaKey::LENGTH])))
}

/// A connection to the file of such a replica, for tests that look into it.
#[cfg(feature = "testing")]
pub fn test_connection(path: impl AsRef<Path>) -> Result<Connection, StoreError> {
    let connection = Connection::open(path)?;
    unlock(&connection, key_of_tests().as_ref())?;
    Ok(connection)
}
