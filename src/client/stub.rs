//! placeholder
#![allow(missing_docs, clippy::todo, unused_variables)]
use super::WildThingError;
use super::inputs::*;
use super::types::*;
use crate::model::JsonObject;
use std::sync::Arc;
use std::time::Duration;

type Result<T> = std::result::Result<T, WildThingError>;

/// A house that works offline. Cheap to clone; all clones are one client.
#[derive(Debug, Clone)]
pub struct WildThingClient {
    inner: Arc<()>,
}

/// What connecting to a server needs.
#[derive(Clone)]
pub struct ConnectOptions {
    pub server_url: String,
    pub auth_token: Option<String>,
    /// A fixed client id; otherwise the replica's own is kept or made.
    pub client_id: Option<String>,
    pub timeouts: Timeouts,
    /// Move a used replica to another server: full resync, outbox kept.
    pub rebind: bool,
}

impl WildThingClient {
    // open, connect
    pub async fn open(options: OpenOptions) -> Result<Self> {
        todo!()
    }
    /// Remembers the server and token; does no I/O with the server. `probe` does.
    pub async fn connect(&self, options: ConnectOptions) -> Result<()> {
        todo!()
    }
    /// Asks the server whether it is there and takes the token. Changes nothing.
    pub async fn probe(&self) -> Result<()> {
        todo!()
    }
    pub fn set_auth_token(&self, token: Option<String>) {
        todo!()
    }
    pub async fn disconnect(&self) -> Result<()> {
        todo!()
    }
    /// Ends background work and closes the database.
    pub async fn shutdown(&self) {
        todo!()
    }
    /// The replica's name to servers (UUID).
    pub fn client_id(&self) -> String {
        todo!()
    }

    // sync
    pub async fn sync(&self) -> Result<SyncResult> {
        todo!()
    }
    pub fn cancel_sync(&self) {
        todo!()
    }
    pub async fn start_background_sync(&self, interval: Duration) -> Result<()> {
        todo!()
    }
    pub async fn stop_background_sync(&self) {
        todo!()
    }
    pub async fn get_sync_status(&self) -> Result<SyncState> {
        todo!()
    }
    pub async fn pause(&self) -> Result<()> {
        todo!()
    }
    pub async fn resume(&self) -> Result<()> {
        todo!()
    }
    pub fn network_available(&self) {
        todo!()
    }

    // read; lists are sorted by name, then id
    pub async fn get_houses(&self) -> Result<Vec<RecordObject>> {
        todo!()
    }
    /// The first house by name, or `NotFound`.
    pub async fn get_house(&self, id: Option<String>) -> Result<RecordObject> {
        todo!()
    }
    pub async fn get_rooms(&self, house_id: Option<String>) -> Result<Vec<RecordObject>> {
        todo!()
    }
    pub async fn get_room(&self, id: String) -> Result<RecordObject> {
        todo!()
    }
    pub async fn get_devices(&self, room_id: Option<String>) -> Result<Vec<RecordObject>> {
        todo!()
    }
    pub async fn get_device(&self, id: String) -> Result<RecordObject> {
        todo!()
    }
    pub async fn get_users(&self, house_id: Option<String>) -> Result<Vec<RecordObject>> {
        todo!()
    }
    pub async fn get_user(&self, id: String) -> Result<RecordObject> {
        todo!()
    }
    pub async fn get_device_state(&self, device_id: String) -> Result<DeviceState> {
        todo!()
    }
    /// Newest first.
    pub async fn get_device_history(&self, device_id: String, limit: u32) -> Result<Vec<DeviceState>> {
        todo!()
    }
    /// Newest first; all, or those about one record.
    pub async fn get_events(&self, entity_id: Option<String>, limit: u32) -> Result<Vec<RecordObject>> {
        todo!()
    }
    /// Full ids of the live records of `kind` (every kind when `None`) that `text` names:
    /// an exact id, else a unique id prefix, else a name (case-insensitive). Exact id alone wins.
    pub async fn find_ids(&self, kind: Option<String>, text: String) -> Result<Vec<(String, String)>> {
        todo!()
    }

    // write; the created or updated record comes back
    pub async fn create_house(&self, house: NewHouse) -> Result<RecordObject> {
        todo!()
    }
    pub async fn create_room(&self, room: NewRoom) -> Result<RecordObject> {
        todo!()
    }
    pub async fn create_device(&self, device: NewDevice) -> Result<RecordObject> {
        todo!()
    }
    pub async fn create_user(&self, user: NewUser) -> Result<RecordObject> {
        todo!()
    }
    pub async fn update_house(&self, id: String, patch: Patch) -> Result<RecordObject> {
        todo!()
    }
    pub async fn update_room(&self, id: String, patch: Patch) -> Result<RecordObject> {
        todo!()
    }
    pub async fn update_device(&self, id: String, patch: Patch) -> Result<RecordObject> {
        todo!()
    }
    pub async fn update_user(&self, id: String, patch: Patch) -> Result<RecordObject> {
        todo!()
    }
    pub async fn delete_house(&self, id: String) -> Result<()> {
        todo!()
    }
    pub async fn delete_room(&self, id: String) -> Result<()> {
        todo!()
    }
    pub async fn delete_device(&self, id: String) -> Result<()> {
        todo!()
    }
    pub async fn delete_user(&self, id: String) -> Result<()> {
        todo!()
    }
    /// Merge patch (RFC 7386), or whole replacement.
    pub async fn update_device_state(
        &self,
        device_id: String,
        state: JsonObject,
        attributes: Option<JsonObject>,
        replace: bool,
    ) -> Result<DeviceState> {
        todo!()
    }
    pub async fn log_event(&self, event: NewEvent) -> Result<RecordObject> {
        todo!()
    }

    // observe
    pub fn changes(&self) -> ChangeStream {
        todo!()
    }

    // care
    pub async fn pending_changes(&self) -> Result<Vec<PendingChange>> {
        todo!()
    }
    pub async fn explain(&self, kind: String, id: String) -> Result<Explanation> {
        todo!()
    }
    pub async fn conflicts(&self) -> Result<Vec<Conflict>> {
        todo!()
    }
    /// Makes the losing version a new edit, based on the version that won.
    pub async fn restore(&self, conflict_id: i64) -> Result<RecordObject> {
        todo!()
    }
    pub async fn dismiss(&self, conflict_id: i64) -> Result<()> {
        todo!()
    }
    pub async fn history(&self, kind: String, id: String) -> Result<Vec<HistoryEntry>> {
        todo!()
    }
    /// Queues failed edits again; all, or one record's. Returns how many.
    pub async fn retry_failed(&self, kind: Option<String>, id: Option<String>) -> Result<u64> {
        todo!()
    }
    /// Drops the unsent edit of one record: it goes to the journal, the server's version comes back.
    pub async fn discard(&self, kind: String, id: String) -> Result<()> {
        todo!()
    }
    /// Empties the replica. `UnsentEdits` if there are any, unless `force`.
    pub async fn reset(&self, force: bool) -> Result<()> {
        todo!()
    }
    /// (state digest, content digest) of what the replica shows.
    pub async fn digests(&self) -> Result<(String, String)> {
        todo!()
    }
}

/// Changes as they are committed, here or by another process on the same file.
#[derive(Debug)]
pub struct ChangeStream;
/// What a stream yields.
#[derive(Debug, Clone)]
pub enum Observed {
    Change(ChangeEvent),
    /// So many events were dropped because nobody took them.
    Lagged(u64),
}
impl ChangeStream {
    /// The next one; `None` after shutdown.
    pub async fn next(&mut self) -> Option<Observed> {
        todo!()
    }
}
