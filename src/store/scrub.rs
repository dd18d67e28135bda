//! Taking what was deleted out of the bytes of the file. SQLite only forgets
//! where it was: whoever finds the file, or a copy of it, could still read it.

use super::{Store, StoreError, exit, lock};

impl Store {
    /// Writes the file anew with what is in it, and empties the WAL. What another
    /// process reads just now goes when it is done, or when the file is closed.
    ///
    /// The storage below may keep older copies of its own, as flash does.
    pub fn scrub(&self) -> Result<(), StoreError> {
        let mut writer = lock(&self.writer);
        let _permit = exit::permit()?;
        let connection = &self.connected(&mut writer)?.connection;
        let scrubbed = connection
            // The copy is made in memory: beside the file there must be none, and
            // not every system has another place for one.
            .execute_batch("PRAGMA temp_store = MEMORY; VACUUM; PRAGMA wal_checkpoint(TRUNCATE)");
        scrubbed.map_err(|error| self.located(error.into()))
    }
}
