//! What is known of the records of a list beside what they say, found in a few
//! queries for all of them instead of a few for each.

use std::collections::{HashMap, HashSet};

use rusqlite::Connection;

use super::read::own_state;
use super::typed::{Standing, Typed};
use crate::model::{JsonObject, Kind, Record, RecordId};
use crate::store::journal::OpenLoss;
use crate::store::{StoreError, journal, rows};

/// The standings of a list's records.
pub(super) struct Standings {
    losses: HashMap<RecordId, OpenLoss>,
    containers: HashSet<String>,
    states: HashMap<String, JsonObject>,
    has_state: bool,
}

impl Standings {
    /// Those of the records of a kind, or of the ones in `parent`.
    pub(super) fn of<T: Typed>(
        connection: &Connection,
        parent: Option<&RecordId>,
    ) -> Result<Self, StoreError> {
        let has_state = T::KIND == Kind::Device;
        Ok(Self {
            losses: journal::open_losses(connection, &T::KIND)?,
            containers: match T::KIND.container() {
                Some(kind) => rows::live_ids(connection, &kind, parent)?,
                None => HashSet::new(),
            },
            states: match has_state {
                true => rows::newest_states(connection, parent)?,
                false => HashMap::new(),
            },
            has_state,
        })
    }

    /// The list, each record as its type.
    pub(super) fn typed<T: Typed>(&mut self, records: Vec<Record>) -> Vec<T> {
        let one = |record: Record| {
            let standing = self.take(&record);
            T::new(record, standing)
        };
        records.into_iter().map(one).collect()
    }

    /// That of one record, which is asked for once.
    fn take(&mut self, record: &Record) -> Standing {
        let version = &record.version;
        let own = match self.has_state {
            true => own_state(version).map(|own| own.state),
            false => None,
        };
        let state = match own.or_else(|| self.states.remove(version.key.id.as_str())) {
            Some(state) => state,
            // What a server without state records says of the device itself.
            None if self.has_state => version.embedded_object("state_json").unwrap_or_default(),
            None => JsonObject::new(),
        };
        let parent = version.parent_id.as_ref();
        Standing {
            lost: self.losses.remove(&version.key.id),
            parent: parent.filter(|id| self.containers.contains(id.as_str())).cloned(),
            state,
        }
    }
}
