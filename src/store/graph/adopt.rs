//! Adopting a graph: a replica that was filled offline, or by a v1 server, gets a
//! server with a graph. What was not sent yet is reshaped, in one transaction;
//! what the old server had is left for the full resync to compare.

use serde_json::Value;

use super::{place, shape};
use crate::model::{Key, Kind, Record, RecordStatus, Version};
use crate::protocol::v1::Operation;
use crate::store::outbox::OutboxEntry;
use crate::store::{Origin, StoreError, Tx, metadata, mirror, outbox, rows};

/// Makes the replica one of a graph. Every unsent edit stays unsent, and is a
/// first one: what the old server knew of it says nothing to the new one.
pub(in crate::store) fn adopt(tx: &Tx<'_>) -> Result<(), StoreError> {
    metadata::set(tx.connection, "protocol = 'v2', edges_due = 2", &[])?;
    let author = metadata::get(tx.connection)?.client_id;
    let entries = outbox::list(tx.connection)?;
    for entry in entries.iter().filter(|entry| entry.key.kind.is_entity()) {
        if let Some(record) = rows::get(tx.connection, &entry.key)? {
            reshape(tx, &record, record.version.clone(), &author)?;
        }
    }
    for entry in entries.iter().filter(|entry| entry.key.kind == Kind::EntityState) {
        if let Some(state) = rows::get(tx.connection, &entry.key)? {
            move_into_device(tx, &state, &author)?;
        }
    }
    Ok(())
}

/// Writes an unsent version anew, in the shape of an entity. It keeps its edit time.
fn reshape(tx: &Tx<'_>, before: &Record, mut version: Version, author: &str) -> Result<(), StoreError> {
    let key = version.key.clone();
    let edit_seq = metadata::next_edit_seq(tx.connection)?;
    let made = version.updated_at.take().map_or(tx.now, |time| time.min(tx.now));
    shape::as_entity(&mut version, author);
    shape::stamp(&mut version, made, edit_seq, author, &[]);
    outbox::clear(tx.connection, &key)?;
    mirror::remove(tx.connection, &key)?;
    let op = match version.deleted {
        true => Operation::Delete,
        false => Operation::Create,
    };
    outbox::put(tx.connection, &OutboxEntry::first(key, op, edit_seq))?;
    let record = Record {
        version,
        sync_status: RecordStatus::Pending,
        server_updated_at: None,
        last_sync_at: None,
        sync_error: None,
    };
    tx.put(
        &record.version,
        (&record).into(),
        Some(&before.version),
        Origin::Local,
    )?;
    place::follow_version(tx, &record.version)
}

/// In a graph a device's state is part of the device. A state whose device is not
/// here stays what it is.
fn move_into_device(tx: &Tx<'_>, state: &Record, author: &str) -> Result<(), StoreError> {
    let Some(device) = &state.version.parent_id else {
        return Ok(());
    };
    let device = Key::new(Kind::Device, device.clone());
    let Some(record) = rows::get(tx.connection, &device)?.filter(|record| !record.version.deleted) else {
        return Ok(());
    };
    let mut version = record.version.clone();
    shape::as_entity(&mut version, author);
    version.updated_at = version.updated_at.max(state.version.updated_at);
    if let (Some(content), Some(values)) =
        (version.content_mut(), state.version.embedded_object("state_json"))
    {
        content.insert("state".into(), Value::Object(values));
    }
    reshape(tx, &record, version, author)?;
    let key = &state.version.key;
    outbox::clear(tx.connection, key)?;
    mirror::remove(tx.connection, key)?;
    rows::remove(tx.connection, key)?;
    tx.emit_removed(key, Origin::Local);
    Ok(())
}
