//! The graph's part of the door: edits of edges, and which protocol a replica speaks.

use super::{adopt, place};
use crate::model::{JsonObject, Key, Record};
use crate::protocol::Protocol;
use crate::store::{Safety, Store, StoreError, metadata, rows};
use rusqlite::Connection;

/// Another protocol than the one a used replica speaks was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OtherProtocol {
    /// The replica's.
    pub held: Protocol,
    /// The one asked for.
    pub asked: Protocol,
}

impl Store {
    /// Joins two entities by an edge if `check` finds nothing against it; what it
    /// returns otherwise comes back, and nothing changes. One transaction with the
    /// new version of the start.
    pub fn connect_entities<E>(
        &self,
        check: impl FnOnce(&Connection) -> Result<Result<(Key, Key), E>, StoreError>,
        relationship_type: &str,
        properties: JsonObject,
    ) -> Result<Result<Record, E>, StoreError> {
        self.write("edit", Safety::Local, |tx| match check(tx.connection)? {
            Ok((from, to)) => place::connect(tx, &from, &to, relationship_type, properties).map(Ok),
            Err(refusal) => Ok(Err(refusal)),
        })
    }

    /// Takes an edge away; false if there is none such.
    pub fn disconnect_entities(&self, edge: &Key) -> Result<bool, StoreError> {
        self.write("delete", Safety::Local, |tx| {
            match rows::get(tx.connection, edge)?.filter(|record| !record.version.deleted) {
                Some(record) => place::disconnect(tx, &record.version).map(|()| true),
                None => Ok(false),
            }
        })
    }

    /// Asks for a protocol. A replica that never met a server takes its shape at
    /// once; a used one is moved from v1 to v2 only if `rebind` is set, and never back.
    pub fn choose_protocol(
        &self,
        asked: Protocol,
        rebind: bool,
    ) -> Result<Result<(), OtherProtocol>, StoreError> {
        let known = self.read(metadata::get)?;
        let settled = asked == Protocol::Auto || asked == known.protocol;
        if settled && known.protocol_asked == asked {
            return Ok(Ok(()));
        }
        self.write("protocol", Safety::Local, |tx| {
            let held = metadata::get(tx.connection)?.protocol;
            match (held, asked) {
                (_, Protocol::Auto) | (Protocol::V1, Protocol::V1) | (Protocol::V2, Protocol::V2) => {}
                (Protocol::Auto, Protocol::V1) => metadata::set(tx.connection, "protocol = 'v1'", &[])?,
                (Protocol::Auto, Protocol::V2) => adopt::adopt(tx)?,
                (Protocol::V1, Protocol::V2) if rebind => adopt::adopt(tx)?,
                (Protocol::V1, Protocol::V2) | (Protocol::V2, Protocol::V1) => {
                    return Ok(Err(OtherProtocol { held, asked }));
                }
            }
            metadata::set(tx.connection, "protocol_asked = ?1", &[&asked.as_str()])?;
            Ok(Ok(()))
        })
    }
}
