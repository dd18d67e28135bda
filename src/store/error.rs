//! What can go wrong with the local database, and what to do about it.

use rusqlite::ErrorCode;

/// A failure of the replica's database. The transaction it came from changed nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The file is not a SQLite database. It was not touched.
    #[error("{path} is not a database of ours; give another path, or move the file away")]
    NotADatabase {
        /// The file.
        path: String,
    },
    /// A newer version of this library wrote the file. It was not touched.
    #[error(
        "{path} was written by a newer version (schema {found}, this one knows {known}); update this program"
    )]
    NewerSchema {
        /// The file.
        path: String,
        /// The schema number found.
        found: i64,
        /// The newest one known here.
        known: i64,
    },
    /// The file is encrypted, or so it seems, and no key was given. It was not touched.
    #[error("{path} is encrypted, or not a database at all: it can't be read without a key")]
    KeyNeeded {
        /// The file.
        path: String,
    },
    /// The file is encrypted with another key. It was not touched.
    #[error(
        "{path} can't be read with this key: it was encrypted with another, or its head is damaged; nothing was changed"
    )]
    WrongKey {
        /// The file.
        path: String,
    },
    /// A key was given for a file that is not encrypted. It was not touched.
    #[error("{path} is not encrypted: open it without a key, and then change the key to encrypt it")]
    NotEncrypted {
        /// The file.
        path: String,
    },
    /// This library was built without encryption.
    #[error("this build has no encryption: a key can be used with the feature `sqlcipher` only")]
    NoEncryption,
    /// The file is damaged, confirmed by a check.
    #[error("{path} is damaged: {problem}; open it again to set it aside and salvage unsent edits")]
    Corrupt {
        /// The file.
        path: String,
        /// What SQLite said.
        problem: String,
    },
    /// There is no room left.
    #[error("the disk is full; free some space and try again")]
    DiskFull,
    /// The file can't be opened.
    #[error("can't open {path}: {problem}; does its folder exist, and may this user write there?")]
    CantOpen {
        /// The file.
        path: String,
        /// What the system said.
        problem: String,
    },
    /// The file or its folder is read-only for us.
    #[error("{path} can't be written; check the permissions of the file and its folder")]
    ReadOnly {
        /// The file.
        path: String,
    },
    /// Another process held the file for longer than we wait.
    #[error("the database is locked by another process; try again")]
    Locked,
    /// Reading or writing the disk failed.
    #[error("reading or writing the database failed: {problem}; check the disk")]
    Io {
        /// What SQLite said.
        problem: String,
    },
    /// Something in the database is not as this library writes it.
    #[error("the database holds something unexpected: {problem}")]
    Unexpected {
        /// What was found.
        problem: String,
    },
    /// The replica is paused or shut: no connection is open.
    #[error("the replica is closed")]
    Closed,
    /// The process is at its end, which waits for nobody any more.
    #[error("the process ends")]
    ProcessEnds,
    /// A fault that a test asked for.
    #[error("injected fault in {transaction}")]
    Injected {
        /// The transaction that was rolled back.
        transaction: &'static str,
    },
}

impl StoreError {
    /// A stable word for programs.
    pub fn code(&self) -> &'static str {
        match self {
            StoreError::NotADatabase { .. } => "not_a_database",
            StoreError::NewerSchema { .. } => "newer_schema",
            StoreError::KeyNeeded { .. } => "key_needed",
            StoreError::WrongKey { .. } => "wrong_key",
            StoreError::NotEncrypted { .. } => "not_encrypted",
            StoreError::NoEncryption => "no_encryption",
            StoreError::Corrupt { .. } => "corrupt",
            StoreError::DiskFull => "disk_full",
            StoreError::CantOpen { .. } => "cant_open",
            StoreError::ReadOnly { .. } => "permission",
            StoreError::Locked => "busy",
            StoreError::Io { .. } => "io",
            StoreError::Unexpected { .. } => "unexpected",
            StoreError::Closed => "closed",
            StoreError::ProcessEnds => "process_ends",
            StoreError::Injected { .. } => "injected",
        }
    }

    /// Puts the path of the file into the errors that name it.
    #[must_use]
    pub(crate) fn at(self, place: &str) -> Self {
        let path = place.to_owned();
        match self {
            StoreError::NotADatabase { .. } => StoreError::NotADatabase { path },
            StoreError::NewerSchema { found, known, .. } => StoreError::NewerSchema { path, found, known },
            StoreError::Corrupt { problem, .. } => StoreError::Corrupt { path, problem },
            StoreError::CantOpen { problem, .. } => StoreError::CantOpen { path, problem },
            StoreError::ReadOnly { .. } => StoreError::ReadOnly { path },
            other => other,
        }
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        let problem = error.to_string();
        let path = String::from("the database");
        match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => StoreError::NotADatabase { path },
            Some(ErrorCode::DatabaseCorrupt) => StoreError::Corrupt { path, problem },
            Some(ErrorCode::DiskFull) => StoreError::DiskFull,
            Some(ErrorCode::CannotOpen) => StoreError::CantOpen { path, problem },
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => StoreError::ReadOnly { path },
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreError::Locked,
            Some(ErrorCode::SystemIoFailure) => match error.sqlite_error() {
                // On a full disk this is what fails first, and SQLite has no other word for it.
                Some(why) if why.extended_code == rusqlite::ffi::SQLITE_IOERR_SHMSIZE => StoreError::DiskFull,
                _ => StoreError::Io { problem },
            },
            _ => match error {
                // Its own tables hold only what it writes: this was garbled on the disk.
                rusqlite::Error::InvalidColumnType(..)
                | rusqlite::Error::FromSqlConversionFailure(..)
                | rusqlite::Error::IntegralValueOutOfRange(..)
                | rusqlite::Error::Utf8Error(..) => StoreError::Corrupt { path, problem },
                _ => StoreError::Unexpected { problem },
            },
        }
    }
}

/// JSON of its own tables that is none.
impl From<serde_json::Error> for StoreError {
    fn from(error: serde_json::Error) -> Self {
        StoreError::Corrupt {
            path: String::from("the database"),
            problem: error.to_string(),
        }
    }
}
