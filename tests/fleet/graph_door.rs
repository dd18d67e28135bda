//! The door of a v2 hub: the request as bytes, the answer as bytes, and the
//! oracle told of what passes. Its server stamps rows before they can be seen.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use wildthing::hub::HubError;
use wildthing::protocol::v2::{
    Change, GRAPH_PATH, PROTOCOL_VERSION, STATUS_PATH, SYNC_PATH, SyncRequest, SyncResponse, wire_time,
};
use wildthing::seam::Seam as _;
use wildthing::transport::Response;

use crate::graph_model::EdgeSays;
use crate::hub::Hub;
use crate::model::{Check, broken};
use crate::network::{Flight, Leg, MANGLED, POISON, answer, refusal};
use crate::unescaped::unescaped;
use crate::world::{World, odd};

impl World {
    pub fn serve_graph(&mut self, path: &str, body: Option<&[u8]>) -> Check<Option<Response>> {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let answered = match (path, body) {
            (SYNC_PATH, Some(bytes)) => return self.serve_sync(bytes).map(Some),
            (STATUS_PATH, None) => Ok(json!({
                "device_id": unescaped(query.strip_prefix("device_id=").unwrap_or_default()),
                "server_time": wire_time(self.hub_seam.now()),
                "protocol_version": PROTOCOL_VERSION,
            })),
            (path, None) => match path.strip_prefix(GRAPH_PATH) {
                Some(rest) => self.serve_listing(rest, query)?,
                None => return Ok(Some(refusal(404))),
            },
            // What a v1 client asks for is not there.
            _ => return Ok(Some(refusal(404))),
        };
        Ok(Some(match answered {
            Ok(value) => answer(200, &value),
            Err(HubError::NotFound { .. }) => refusal(404),
            Err(error) => return Err(odd(error)),
        }))
    }

    fn serve_listing(&mut self, path: &str, query: &str) -> Check<Result<Value, HubError>> {
        let store = &self.hub.graph()?.store;
        if path == "/relationships" {
            self.cover.hit("hub: edges listed");
            return Ok(store
                .relationships(None, None, None)
                .map(|listing| listing.encode()));
        }
        let Some(entity) = path.strip_prefix("/entities/") else {
            return Err(odd(format!("a request to {path}")));
        };
        Ok(match entity.strip_suffix("/versions") {
            Some(id) => {
                self.cover.hit("hub: versions of an entity listed");
                store
                    .entity_versions(&unescaped(id))
                    .map(|listing| listing.encode())
            }
            None => {
                let version = query.strip_prefix("version=").map(unescaped);
                self.cover.hit("hub: entity asked for");
                store
                    .entity(&unescaped(entity), version.as_deref())
                    .map(|found| found.encode())
            }
        })
    }

    fn serve_sync(&mut self, bytes: &[u8]) -> Check<Response> {
        let mut request = SyncRequest::decode(bytes).map_err(odd)?;
        if request.changes.is_empty() {
            let told = self.hub.graph_mut()?.store.sync(request).map_err(odd)?;
            if told.cursor.is_some() {
                self.cover.hit("hub: page with more");
            }
            return self.tell(told);
        }
        if self.hub.is_committing() {
            // Its server has one writer, and does not wait for it.
            self.cover.hit("fault: hub locked by another push");
            return Ok(refusal(500));
        }
        if request.changes.iter().any(|change| named(change, POISON)) {
            self.cover.hit("fault: answered 422");
            return Ok(refusal(if self.rng.permille(800) { 422 } else { 400 }));
        }
        if !self.calm && request.changes.len() > 1 && self.rng.permille(80) {
            self.cover.hit("fault: partial answer");
            self.leave_out(&mut request.changes);
        }
        let changes = request.changes.clone();
        let told = match self.hub.graph_mut()?.store.sync(request) {
            Ok(told) => told,
            Err(HubError::Protocol(_)) => {
                self.cover.hit("fault: answered 422");
                return Ok(refusal(422));
            }
            Err(HubError::Refused { .. }) => return Ok(refusal(400)),
            Err(error) => return Err(odd(error)),
        };
        self.learn(&changes, &told)?;
        self.tell(told)
    }

    /// The hub fails at a request: one version that it carries alone stays behind.
    pub fn leaves_behind(&mut self, flight: &Flight) -> Check {
        let (Hub::Graph(_), 1, Leg::Out(Some(body))) = (&self.hub, flight.changes, &flight.leg) else {
            return Ok(());
        };
        let request = SyncRequest::decode(body).map_err(odd)?;
        let alone = request.changes.into_iter().filter_map(|change| change.entity);
        let versions = alone.map(|entity| entity.version);
        self.model.graph.left_behind.extend(versions);
        Ok(())
    }

    /// A server that deals with a part of a push only; its answer says so.
    fn leave_out(&mut self, changes: &mut Vec<Change>) {
        let ids: BTreeSet<String> = changes.iter().map(id).collect();
        let left_out: Vec<String> = ids.into_iter().filter(|_| self.rng.permille(400)).collect();
        changes.retain(|change| !left_out.contains(&id(change)));
    }

    /// The oracle hears of a push, and of what the hub made of it.
    pub fn learn(&mut self, changes: &[Change], told: &SyncResponse) -> Check {
        for change in changes {
            if let Some(entity) = &change.entity {
                self.note(format_args!(
                    "hub hears {} {} {} on {:?}",
                    change.change_type.as_str(),
                    entity.id,
                    entity.version,
                    entity.parent_versions
                ));
                let hub = self.hub.graph()?;
                let kept = hub
                    .versions(&entity.id)
                    .iter()
                    .any(|known| known.version == entity.version);
                if !kept {
                    self.cover.hit("hub: delete of what is deleted");
                    self.model.graph.moot.insert(entity.version.clone());
                }
            }
            for edge in &change.relationships {
                self.note(format_args!(
                    "hub hears edge {} {} of {} to {} {}",
                    edge.id,
                    edge.relationship_type,
                    edge.from_entity_id,
                    edge.to_entity_id,
                    edge.is_deleted()
                ));
                if told.applied_relationships.contains(&edge.id) {
                    let says = EdgeSays::of(edge);
                    let known = self.model.graph.edges.entry(edge.id.clone()).or_default();
                    if !known.contains(&says) {
                        known.push(says);
                    }
                } else {
                    self.cover.hit("hub: edge to a version it lacks");
                }
            }
        }
        for conflict in &told.conflicts {
            self.note(format_args!("hub decides {conflict:?}"));
            self.cover
                .hit(&format!("hub: {}", conflict.resolution_strategy.as_str()));
            let (pushed, current) = (&conflict.remote_version, &conflict.local_version);
            let known =
                self.model.descends(current, pushed) && !self.model.graph.left_behind.contains(pushed);
            if known || self.model.descends(pushed, current) {
                return broken(
                    "no conflict with what an edit was made on",
                    format!("{}: {pushed} and {current}", conflict.entity_id),
                );
            }
        }
        Ok(())
    }

    fn tell(&mut self, mut told: SyncResponse) -> Check<Response> {
        if self.hub.graph()?.late {
            told.server_time = self.hub_seam.now();
        }
        Ok(answer(200, &told.encode()))
    }

    /// A push that the server has stamped and not committed yet: nobody sees it,
    /// and later ones may be answered before it.
    pub fn stamped_only(&mut self, flight: &Flight) -> bool {
        let now = self.time.now();
        let push = flight.changes > 0;
        let calm = self.calm;
        let Ok(hub) = self.hub.graph_mut() else {
            return false;
        };
        if calm || !push || !hub.late || hub.uncommitted.is_some() || !self.rng.permille(200) {
            return false;
        }
        self.cover.hit("fault: rows stamped long before they are seen");
        hub.uncommitted = Some((flight.clone(), now));
        true
    }

    /// What was stamped can be seen from now on.
    pub fn commit(&mut self) -> Check {
        let Ok(hub) = self.hub.graph_mut() else {
            return Ok(());
        };
        let Some((flight, came)) = hub.uncommitted.take() else {
            return Ok(());
        };
        self.note(format_args!("hub commits what came before"));
        let body = match &flight.leg {
            Leg::Out(Some(body)) => body.clone(),
            _ => Vec::new(),
        };
        let ago = self.time.now() - came;
        self.hub_seam.step(-ago);
        let response = self.serve_sync(&body);
        self.hub_seam.step(ago);
        self.send_back(flight, Some(response?));
        Ok(())
    }
}

fn named(change: &Change, name: &str) -> bool {
    // One that only v1 can refuse alone is refused with its push here.
    let found = change.entity.as_ref().map(|entity| entity.name.as_str());
    found == Some(name) || (name == POISON && found == Some(MANGLED))
}

/// What a change is about: its entity, or where its edges start.
fn id(change: &Change) -> String {
    let entity = change.entity.as_ref().map(|entity| entity.id.clone());
    entity
        .or_else(|| {
            change
                .relationships
                .first()
                .map(|edge| edge.from_entity_id.clone())
        })
        .unwrap_or_default()
}
