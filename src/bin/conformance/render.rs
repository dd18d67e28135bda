//! What calls give, as JSON by the rules of `docs/conformance.md`: every field under
//! its name, what is absent left out.

use std::collections::HashMap;
use std::time::Duration;

use wildthing::client::types::{Operation, OutboxState};
use wildthing::client::{
    ChangeEvent, Conflict, Connection, Device, DeviceState, DeviceType, Digests, EdgeDirection, Entity,
    Event, Explanation, Freshness, GraphPath, HistoryEntry, House, Loser, Neighbour, Origin, PendingChange,
    Protocol, Relationship, Room, Salvaged, SearchHit, SyncProblem, SyncResult, SyncStatus, User, UserRole,
    WildThingError,
};
use wildthing::model::{Json, JsonObject, Kind, RecordId, RecordStatus, Timestamp};

/// Something that can be shown; `None` where it is absent.
pub(crate) trait Shown {
    fn shown(&self) -> Option<Json>;
}

impl<T: Shown> Shown for Option<T> {
    fn shown(&self) -> Option<Json> {
        self.as_ref().and_then(Shown::shown)
    }
}

impl<T: Shown> Shown for Vec<T> {
    fn shown(&self) -> Option<Json> {
        Some(self.iter().map(|item| item.shown().unwrap_or_default()).collect())
    }
}

impl Shown for () {
    fn shown(&self) -> Option<Json> {
        None
    }
}

impl Shown for Json {
    fn shown(&self) -> Option<Json> {
        (!self.is_null()).then(|| self.clone())
    }
}

impl Shown for JsonObject {
    fn shown(&self) -> Option<Json> {
        Some(Json::Object(self.clone()))
    }
}

impl Shown for HashMap<String, u64> {
    fn shown(&self) -> Option<Json> {
        let fields = self
            .iter()
            .map(|(name, count)| (name.clone(), Json::from(*count)));
        Some(Json::Object(fields.collect()))
    }
}

impl Shown for Duration {
    fn shown(&self) -> Option<Json> {
        u64::try_from(self.as_millis()).ok().map(Json::from)
    }
}

macro_rules! plain {
    ($($name:ty)*) => { $(
        impl Shown for $name {
            fn shown(&self) -> Option<Json> {
                Some(Json::from(self.clone()))
            }
        }
    )* };
}

plain! { String bool u16 u32 u64 i64 f64 }

macro_rules! words {
    ($($name:ty)*) => { $(
        impl Shown for $name {
            fn shown(&self) -> Option<Json> {
                serde_json::to_value(self).ok()
            }
        }
    )* };
}

// These are serialized as their words, ids and times as their texts.
words! {
    RecordId Timestamp Kind DeviceType UserRole RecordStatus Loser Protocol Operation OutboxState Origin
    Connection EdgeDirection
}

/// Puts fields into an object, those that are there.
macro_rules! fields {
    ($object:ident: $($field:ident)*) => { $(
        if let Some(shown) = $field.shown() {
            $object.insert(stringify!($field).to_owned(), shown);
        }
    )* };
}

/// A record with all its fields: one that is forgotten does not compile.
macro_rules! record {
    ($name:ident { $($field:ident)* }) => {
        impl Shown for $name {
            fn shown(&self) -> Option<Json> {
                let $name { $($field),* } = self;
                let mut object = JsonObject::new();
                fields!(object: $($field)*);
                Some(Json::Object(object))
            }
        }
    };
}

/// An enum of variants with fields: its word under `is`, and the fields beside it.
macro_rules! variants {
    ($name:ident { $($variant:ident = $word:literal { $($field:ident)* })* }) => {
        impl Shown for $name {
            fn shown(&self) -> Option<Json> {
                let mut object = JsonObject::new();
                match self {
                    $($name::$variant { $($field),* } => {
                        object.insert("is".to_owned(), Json::from($word));
                        fields!(object: $($field)*);
                    })*
                }
                Some(Json::Object(object))
            }
        }
    };
}

record! { House { id name address latitude longitude timezone settings created_at updated_at sync_id sync_status freshness extra } }
record! { Room { id house_id unplaced name floor room_type temperature humidity settings created_at updated_at sync_id sync_status freshness extra } }
record! { Device { id room_id unplaced name device_type manufacturer model capabilities configuration ip_address mac_address state created_at updated_at sync_id sync_status freshness extra } }
record! { User { id house_id unplaced name email role preferences created_at updated_at sync_id sync_status freshness extra } }
record! { Event { id event_type entity_type entity_id description data source user_id created_at updated_at sync_id sync_status freshness extra } }
record! { DeviceState { device_id state attributes updated_at sync_status } }
record! { Entity { id entity_type kind name content source_type user_id checksum version updated_at sync_status freshness extra } }
record! { Relationship { id from_id to_id relationship_type properties from_version to_version updated_at sync_status freshness extra } }
record! { Neighbour { entity relationship direction } }
record! { GraphPath { entities relationships } }
record! { SearchHit { entity score snippet } }
record! { SyncResult { synced_entities pulled pushed conflicts conflicts_resolved errors duration } }
record! { SyncProblem { kind id code detail } }
record! { Conflict { conflict_id kind id reason loser losing winning losing_time winning_time recorded_at } }
record! { SyncStatus { server_url client_id protocol last_sync_time last_sync_success last_sync_error sync_failures total_syncs total_conflicts sync_in_progress next_retry_time pending failed conflicts digest_agrees digest_checked_at counts connection background paused } }
record! { PendingChange { kind id name operation state attempts last_error updated_at } }
record! { Explanation { words freshness record pending server conflicts history } }
record! { HistoryEntry { record updated_at superseded_at } }
record! { Digests { state content } }
record! { Salvaged { set_aside edits_saved } }

variants! { Freshness {
    Synced = "synced" { as_of }
    Pending = "pending" { since contested }
    Failed = "failed" { since reason }
    Superseded = "superseded" { as_of conflict_id reason }
} }

variants! { ChangeEvent {
    Created = "created" { kind id origin name }
    Updated = "updated" { kind id origin name }
    Deleted = "deleted" { kind id origin }
    StateChanged = "state_changed" { device_id id origin state }
    Conflict = "conflict" { kind id conflict_id reason loser }
    SyncStarted = "sync_started" { }
    SyncProgress = "sync_progress" { done total }
    SyncCompleted = "sync_completed" { pulled pushed conflicts problems }
    SyncFailed = "sync_failed" { code detail }
    ConnectionChanged = "connection_changed" { connection }
    NeedsAuth = "needs_auth" { status }
} }

variants! { WildThingError {
    Offline = "offline" { reason }
    NeedsAuth = "needs_auth" { status }
    WrongPassword = "wrong_password" { }
    RateLimited = "rate_limited" { retry_after }
    NotAllowed = "not_allowed" { detail }
    Server = "server" { status detail }
    Protocol = "protocol" { problem }
    Storage = "storage" { code problem }
    Paused = "paused" { }
    Cancelled = "cancelled" { }
    NotConnected = "not_connected" { }
    OtherServer = "other_server" { expected found }
    Busy = "busy" { }
    NotFound = "not_found" { kind id }
    Invalid = "invalid" { field problem }
    UnsupportedByServer = "unsupported_by_server" { what }
    UnsentEdits = "unsent_edits" { count }
    Timeout = "timeout" { waited_ms pending }
    Internal = "internal" { detail }
} }

/// An answer to the stage.
pub(crate) fn answer<T: Shown>(result: &Result<T, WildThingError>) -> Json {
    match result {
        Ok(found) => serde_json::json!({"ok": found.shown()}),
        Err(error) => serde_json::json!({"error": error.shown()}),
    }
}
