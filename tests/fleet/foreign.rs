//! A program that writes to a v1 hub by itself, with ids and times of its own.

use wildthing::model::{Key, Kind, RecordId, Version};
use wildthing::protocol::v1::{Operation, PushChange};
use wildthing::seam::Seam as _;

use crate::edits::blank;
use crate::model::{Author, Check};
use crate::world::{World, odd};

impl World {
    /// Another program writes to the hub: with ids and times of its own, or none.
    pub fn foreign_edit(&mut self) -> Check {
        if self.is_graph() {
            return self.foreign_version();
        }
        if self.hub_down {
            return Ok(());
        }
        let key = if self.model.hub.current.len() < 5 {
            let next = self.model.hub.current.len();
            let kind = [Kind::House, Kind::Room, Kind::Device, Kind::Device, Kind::User][next].clone();
            let id = RecordId::new(format!("{kind}-{}", usize::from(next == 3))).map_err(odd)?;
            Key::new(kind, id)
        } else {
            let keys: Vec<Key> = self.model.hub.current.keys().cloned().collect();
            self.rng.pick(&keys).cloned().ok_or_else(|| odd("an empty hub"))?
        };
        let current = self.model.hub.current.get(&key).cloned();
        let home = |kind: &str| RecordId::new(format!("{kind}-0")).ok();
        let mut version = current.clone().unwrap_or_else(|| Version {
            parent_id: match key.kind {
                Kind::Room | Kind::User => home("house"),
                Kind::Device => home("room"),
                _ => None,
            },
            ..blank(key.clone())
        });
        self.names += 1;
        if key.kind.has_name() {
            version.name = Some(format!("foreign {}", self.names));
        }
        version.sync_id = match self.rng.below(3) {
            0 => format!("é-{:016x}", self.rng.bits()),
            1 => self.hub_seam.new_id().to_string(),
            _ => format!(
                "{:08x}-0000-4000-8000-{:012x}",
                self.rng.bits() as u32,
                self.names
            ),
        };
        let now = self.time.now();
        version.updated_at = self
            .rng
            .permille(500)
            .then(|| wildthing::model::Timestamp::from_micros(now - now.rem_euclid(500_000)));
        version.deleted = !self.calm && self.rng.permille(100);
        let bases: Vec<String> = current
            .filter(|_| self.rng.permille(600))
            .map(|version| version.sync_id)
            .into_iter()
            .collect();
        self.model.confirm(Author::Foreign, &version, bases.clone())?;
        let change = PushChange {
            operation: if version.deleted {
                Operation::Delete
            } else {
                Operation::Update
            },
            client_sync_id: format!("foreign-{}", self.names),
            bases,
            version,
        };
        let result = self
            .hub
            .plain_mut()?
            .push("foreign", vec![change.encode()])
            .map_err(odd)?;
        self.note(format_args!("foreign edit of {key}"));
        self.hot = Some(key);
        let changes = [change];
        for answer in self.model.hub.push(&changes, &result)? {
            self.count_foreign(&answer);
        }
        self.check_hub(&changes)
    }
}
