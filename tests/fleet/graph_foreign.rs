//! A program that writes to a v2 hub by itself, with versions and times of its own.

use serde_json::json;

use wildthing::model::Timestamp;
use wildthing::protocol::v2::{
    Change, ChangeType, Entity, PROTOCOL_VERSION, Relationship, SyncRequest, VersionStamp,
};

use crate::clock::SECOND;
use crate::hub::as_version;
use crate::model::{Author, Check};
use crate::world::{World, odd};

/// The house at the beginning: what is there, what it is, and what it is in.
const HOUSE: [(&str, &str, &str); 5] = [
    ("house-0", "home", ""),
    ("room-0", "room", "house-0"),
    ("device-0", "device", "room-0"),
    ("device-1", "device", "room-0"),
    ("note-0", "note", ""),
];

impl World {
    pub fn foreign_version(&mut self) -> Check {
        if self.hub_down || self.hub.is_committing() {
            return Ok(());
        }
        let current = self.hub.graph()?.current()?;
        let new = HOUSE.iter().find(|(id, ..)| !current.contains_key(*id));
        let known: Vec<&Entity> = current.values().collect();
        let old = match new {
            Some(_) => None,
            None => self.rng.pick(&known).map(|entity| (*entity).clone()),
        };
        self.names += 1;
        let version = self.foreign_stamp();
        let mut entity = old.clone().unwrap_or_else(|| {
            let (id, entity_type, _) = new.copied().unwrap_or(HOUSE[0]);
            Entity {
                id: id.into(),
                version: String::new(),
                entity_type: entity_type.into(),
                name: String::new(),
                content: serde_json::Map::new(),
                source_type: "homekit".into(),
                user_id: "foreign".into(),
                parent_versions: Vec::new(),
                checksum: None,
                extra: serde_json::Map::new(),
            }
        });
        entity.name = format!("foreign {}", self.names);
        entity.user_id = "foreign".into();
        entity.parent_versions = old
            .iter()
            .filter(|_| self.rng.permille(600))
            .map(|old| old.version.clone())
            .collect();
        entity.version = version;
        let deleted = !self.calm && self.rng.permille(100);
        entity.content.remove("deleted");
        if deleted {
            entity.content.insert("deleted".into(), true.into());
        }
        let relationships = match new {
            Some((from, _, to)) if !to.is_empty() => vec![self.foreign_edge(&entity, from, to)?],
            _ => Vec::new(),
        };
        self.model.confirm(
            Author::Foreign,
            &as_version(entity.clone())?,
            entity.parent_versions.clone(),
        )?;
        self.note(format_args!("foreign edit of {}", entity.id));
        let key = as_version(entity.clone())?.key;
        let change = Change {
            change_type: if deleted {
                ChangeType::Delete
            } else {
                ChangeType::Update
            },
            entity: Some(entity),
            relationships,
        };
        let request = json!({
            "protocol_version": PROTOCOL_VERSION,
            "device_id": "foreign",
            "user_id": "foreign",
            "sync_type": "delta",
            "changes": [change.encode()],
        });
        let request = SyncRequest::decode(request.to_string().as_bytes()).map_err(odd)?;
        let told = self.hub.graph_mut()?.store.sync(request).map_err(odd)?;
        self.hot = Some(key);
        self.learn(&[change], &told)
    }

    /// A version string as other programs write them, or something else.
    fn foreign_stamp(&mut self) -> String {
        let now = self.time.now() + self.rng.between(-2, 2) * SECOND / 2;
        let time = Timestamp::from_micros(now - now.rem_euclid(500_000));
        let stamp = VersionStamp::new(time, self.names as u32, "foreign").to_string();
        match self.rng.below(4) {
            0 => stamp.replace("+00:00", "Z"),
            1 => format!("v{}-{:08x}", self.names, self.rng.bits() as u32),
            _ => stamp,
        }
    }

    fn foreign_edge(&self, start: &Entity, from: &str, to: &str) -> Check<Relationship> {
        let end = self.hub.graph()?.current()?.remove(to);
        Ok(Relationship {
            id: format!("edge-{from}"),
            from_entity_id: from.into(),
            from_entity_version: start.version.clone(),
            to_entity_id: to.into(),
            to_entity_version: end.map(|end| end.version).unwrap_or_default(),
            relationship_type: match start.entity_type.as_str() {
                "room" => "part_of",
                _ => "located_in",
            }
            .into(),
            properties: serde_json::Map::new(),
            user_id: None,
            extra: serde_json::Map::new(),
        })
    }
}
