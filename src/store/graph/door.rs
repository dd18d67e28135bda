//! The graph's part of the door: edits of edges, the steps of a sync that v1 does
//! not have, and which protocol a replica speaks.

use rusqlite::Connection;

use super::reconcile::{EdgeReport, Refused};
use super::verdict::Lookup;
use super::{adopt, place, pull, reconcile, verdict};
use crate::model::{JsonObject, Key, Record, Version};
use crate::protocol::v2::SyncResponse;
use crate::protocol::{Protocol, ProtocolError};
use crate::store::metadata::LeaseOwner;
use crate::store::mirror::ServerVersion;
use crate::store::push::{PushItem, SettleReport};
use crate::store::{Safety, Store, StoreError, Tx, metadata, rows};

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

    /// Settles an answer of a graph's server to a push.
    pub fn settle_graph(
        &self,
        owner: &LeaseOwner,
        generation: i64,
        items: &[PushItem],
        answer: &SyncResponse,
    ) -> Result<Option<SettleReport>, StoreError> {
        self.as_owner("settle", owner, |tx| {
            verdict::settle(tx, generation, items, answer)
        })
    }

    /// Settles what a push left to be asked.
    pub fn resolve_lookup(
        &self,
        owner: &LeaseOwner,
        generation: i64,
        lookup: &Lookup,
        found: Option<&ServerVersion>,
    ) -> Result<Option<SettleReport>, StoreError> {
        self.as_owner("resolve", owner, |tx| {
            verdict::resolve(tx, generation, lookup, found)
        })
    }

    /// Decides about a version made here that the server's may not descend from.
    pub fn inspect_displaced(
        &self,
        owner: &LeaseOwner,
        generation: i64,
        version: &Version,
        versions: Option<&[(String, Vec<String>)]>,
    ) -> Result<Option<SettleReport>, StoreError> {
        self.as_owner("inspect", owner, |tx| {
            verdict::inspect(tx, generation, version, versions)
        })
    }

    /// Versions made here that the server's may not descend from.
    pub fn displaced(&self) -> Result<Vec<Version>, StoreError> {
        self.read(pull::displaced)
    }

    /// Takes a complete listing of edges, and lets go of it as soon as it is read.
    /// The inner error is one of the listing: nothing of it was taken.
    pub fn reconcile_edges(
        &self,
        owner: &LeaseOwner,
        generation: i64,
        listing: Vec<u8>,
    ) -> Result<Result<Option<EdgeReport>, ProtocolError>, StoreError> {
        let mut garbled = None;
        let done = self.as_owner("edges", owner, |tx| {
            reconcile::apply(tx, generation, listing).map_err(|refused| match refused {
                Refused::Store(error) => error,
                Refused::Garbled(error) => {
                    garbled = Some(error);
                    // Rolls back what was taken of it.
                    StoreError::Closed
                }
            })
        });
        match garbled {
            Some(error) => Ok(Err(error)),
            None => done.map(Ok),
        }
    }

    /// Makes the replica one of the protocol that its server was found to speak;
    /// the new generation, or `None` if the replica moved on.
    pub fn bind_protocol(
        &self,
        owner: &LeaseOwner,
        generation: i64,
        protocol: Protocol,
    ) -> Result<Option<i64>, StoreError> {
        self.as_owner("bind", owner, |tx| {
            let meta = metadata::get(tx.connection)?;
            if meta.generation != generation {
                return Ok(None);
            }
            match protocol {
                Protocol::V2 if meta.protocol != Protocol::V2 => adopt::adopt(tx)?,
                _ => metadata::set(tx.connection, "protocol = ?1", &[&protocol.as_str()])?,
            }
            metadata::next_generation(tx.connection).map(Some)
        })
    }

    /// Runs `work` if the lease is still ours.
    fn as_owner<T>(
        &self,
        name: &'static str,
        owner: &LeaseOwner,
        work: impl FnOnce(&Tx<'_>) -> Result<Option<T>, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        self.write(name, Safety::Repeatable, |tx| {
            if !tx.renew(owner)? {
                return Ok(None);
            }
            work(tx)
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
