//! Entities and relationships: making, changing and deleting them, what is refused,
//! what is told, and walking about.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use proptest::prelude::*;
use serde_json::{Value, json};
use wildthing::client::{
    ChangeEvent, EdgeDirection, EntityPatch, NewEntity, NewHouse, NewUser, RelationshipFilter, WildThingError,
};
use wildthing::model::{Kind, RecordId, RecordStatus};
use wildthing::protocol::Protocol;

use super::home::{Home, id, object, refused};

fn content(content: Value, replace: bool) -> EntityPatch {
    EntityPatch {
        content: Some(object(content)),
        replace,
        ..EntityPatch::default()
    }
}

#[tokio::test]
async fn an_entity_is_made_changed_replaced_and_deleted() {
    let home = Home::new().await;
    let new = NewEntity {
        content: Some(object(
            json!({"content": "Network: Home", "n": 123456789012345678901234567890_f64}),
        )),
        source_type: Some("imported".into()),
        ..NewEntity::new("note", "WiFi")
    };
    let note = home.client.create_entity(new).await.unwrap();
    assert_eq!((note.entity_type.as_str(), note.kind.as_str()), ("note", "note"));
    assert_eq!(note.source_type.as_deref(), Some("imported"));
    assert_eq!(note.user_id, Some(home.client.client_id().await.unwrap()));
    assert!(note.version.contains("+00:00-"), "{}", note.version);
    assert_eq!(note.sync_status, RecordStatus::Pending);
    assert_eq!(home.client.get_entity(note.id.clone(), None).await.unwrap(), note);

    let patch = EntityPatch {
        name: Some("WLAN".into()),
        ..content(json!({"n": null, "deep": {"a": {"b": 1}}}), false)
    };
    let changed = home.client.update_entity(note.id.clone(), patch).await.unwrap();
    assert_eq!(changed.name, "WLAN");
    assert_eq!(
        Value::Object(changed.content),
        json!({"content": "Network: Home", "deep": {"a": {"b": 1}}})
    );
    assert!(changed.version > note.version);
    assert_eq!(changed.source_type.as_deref(), Some("imported"));
    let replaced = home
        .client
        .update_entity(note.id.clone(), content(json!({"x": null}), true))
        .await
        .unwrap();
    assert_eq!(Value::Object(replaced.content), json!({"x": null}));

    home.make("zone", "Up", json!({})).await;
    home.make("home", "Cabin", json!({})).await;
    let names = async |entity_type: Option<&str>| {
        let found = home
            .client
            .get_entities(entity_type.map(str::to_owned))
            .await
            .unwrap();
        found.into_iter().map(|entity| entity.name).collect::<Vec<_>>()
    };
    assert_eq!(names(None).await, ["Cabin", "WLAN", "Up"]);
    assert_eq!(names(Some("note")).await, ["WLAN"]);
    assert_eq!(names(Some("home")).await, ["Cabin"]);
    assert_eq!(names(Some("app")).await, [""; 0]);
    assert_eq!(home.client.get_houses().await.unwrap().len(), 1);

    home.client.delete_entity(note.id.clone()).await.unwrap();
    let gone = home.client.get_entity(note.id.clone(), None).await;
    assert!(matches!(gone, Err(WildThingError::NotFound { .. })), "{gone:?}");
    let gone = home.client.update_entity(note.id, EntityPatch::default()).await;
    assert!(matches!(gone, Err(WildThingError::NotFound { .. })), "{gone:?}");
}

#[tokio::test]
async fn what_a_server_would_refuse_is_refused_here() {
    let home = Home::new().await;
    let note = home.make("note", "WiFi", json!({})).await;
    let door = home.make("door", "Front", json!({})).await;
    let create = async |entity: NewEntity| refused(home.client.create_entity(entity).await);
    assert_eq!(create(NewEntity::new("gadget", "X")).await, "entity_type");
    assert_eq!(create(NewEntity::new("house", "X")).await, "entity_type");
    assert_eq!(create(NewEntity::new("note", "  ")).await, "name");
    let source = NewEntity {
        source_type: Some("dream".into()),
        ..NewEntity::new("note", "X")
    };
    assert_eq!(create(source).await, "source_type");
    let tombstone = NewEntity {
        content: Some(object(json!({"deleted": true}))),
        ..NewEntity::new("note", "X")
    };
    assert_eq!(create(tombstone).await, "content");
    let update = async |patch: EntityPatch| refused(home.client.update_entity(note.id.clone(), patch).await);
    assert_eq!(update(content(json!({"deleted": false}), false)).await, "content");
    let mut deep = json!(1);
    for _ in 0..200 {
        deep = json!([deep]);
    }
    assert_eq!(update(content(json!({"deep": deep}), true)).await, "content");
    let connect = async |to: &RecordId, name: &str, properties: Value| {
        let (from, properties) = (note.id.clone(), Some(object(properties)));
        home.client
            .connect_entities(from, to.clone(), name.into(), properties)
            .await
    };
    assert_eq!(
        refused(connect(&door.id, "likes", json!({})).await),
        "relationship_type"
    );
    assert_eq!(refused(connect(&note.id, "controls", json!({})).await), "to_id");
    assert_eq!(
        refused(connect(&door.id, "controls", json!({"deleted": 1})).await),
        "properties"
    );
    for missing in [id("nowhere"), home.make("app", "Gone", json!({})).await.id] {
        let _ = home.client.delete_entity(missing.clone()).await;
        let refusal = connect(&missing, "controls", json!({})).await;
        assert!(
            matches!(refusal, Err(WildThingError::NotFound { .. })),
            "{refusal:?}"
        );
    }
    assert!(home.client.get_relationships(None).await.unwrap().is_empty());
}

#[tokio::test]
async fn entities_are_connected_found_from_both_ends_and_parted() {
    let home = Home::new().await;
    let lamp = home.make("device", "Lamp", json!({})).await.id;
    let note = home.make("note", "How to", json!({})).await.id;
    let app = home.make("app", "Remote", json!({})).await.id;
    let before = home.client.get_entity(lamp.clone(), None).await.unwrap().version;
    let properties = Some(object(json!({"page": 3})));
    let first = home
        .client
        .connect_entities(
            lamp.clone(),
            note.clone(),
            "documented_by".into(),
            properties.clone(),
        )
        .await
        .unwrap();
    assert_eq!(Value::Object(first.properties.clone()), json!({"page": 3}));
    assert_eq!(
        (first.from_id.as_ref(), first.to_id.as_ref()),
        (Some(&lamp), Some(&note))
    );
    // Others look for an edge only where an entity changed.
    assert!(home.client.get_entity(lamp.clone(), None).await.unwrap().version > before);
    let again = home
        .client
        .connect_entities(lamp.clone(), note.clone(), "documented_by".into(), properties)
        .await
        .unwrap();
    assert_eq!(again.id, first.id);
    let second = home.join(&app, &lamp, "controls").await;

    let find = async |filter: RelationshipFilter| {
        let found = home.client.get_relationships(Some(filter)).await.unwrap();
        found.into_iter().map(|edge| edge.id).collect::<BTreeSet<_>>()
    };
    let both = BTreeSet::from([first.id.clone(), second.id.clone()]);
    let none = RelationshipFilter::default;
    let end = |end: &RecordId| Some(end.clone());
    assert_eq!(find(none()).await, both);
    assert_eq!(
        find(RelationshipFilter {
            entity_id: end(&lamp),
            ..none()
        })
        .await,
        both
    );
    assert_eq!(
        find(RelationshipFilter {
            from_id: end(&lamp),
            ..none()
        })
        .await,
        [first.id.clone()].into()
    );
    assert_eq!(
        find(RelationshipFilter {
            to_id: end(&lamp),
            ..none()
        })
        .await,
        [second.id.clone()].into()
    );
    let typed = RelationshipFilter {
        relationship_type: Some("controls".into()),
        ..none()
    };
    assert_eq!(find(typed).await, [second.id.clone()].into());
    let neither = RelationshipFilter {
        from_id: end(&app),
        to_id: end(&note),
        ..none()
    };
    assert!(find(neither).await.is_empty());

    let next = async |name: Option<&str>, way: Option<EdgeDirection>| {
        let found = home
            .client
            .neighbours(lamp.clone(), name.map(str::to_owned), way)
            .await
            .unwrap();
        found.into_iter().map(|next| next.entity.name).collect::<Vec<_>>()
    };
    assert_eq!(next(None, None).await, ["How to", "Remote"]);
    assert_eq!(next(Some("controls"), None).await, ["Remote"]);
    assert_eq!(next(None, Some(EdgeDirection::Outgoing)).await, ["How to"]);

    let stream = home.client.changes();
    home.client.disconnect_entities(second.id.clone()).await.unwrap();
    let told = stream.next().await.unwrap().events;
    let of_the_edge: Vec<&ChangeEvent> = told
        .iter()
        .filter(|event| matches!(event, ChangeEvent::Deleted { kind: Kind::Relationship, id, .. } if *id == second.id))
        .collect();
    assert_eq!(of_the_edge.len(), 1, "{told:?}");
    let again = home.client.disconnect_entities(second.id).await;
    assert!(matches!(again, Err(WildThingError::NotFound { .. })), "{again:?}");
    assert_eq!(next(None, None).await, ["How to"]);
    // With an end deleted it is not shown, wherever one looks.
    // A server that has both keeps the edge.
    home.all_is_sent();
    home.client.delete_entity(note).await.unwrap();
    assert!(find(none()).await.is_empty() && next(None, None).await.is_empty());
    let kept = home.database().query_row(
        "SELECT count(*) FROM records WHERE kind = 'relationship' AND NOT deleted",
        [],
        |row| row.get::<_, i64>(0),
    );
    assert_eq!(kept.unwrap(), 1);
}

#[tokio::test]
async fn the_recorded_house_can_be_walked() {
    let home = Home::new().await;
    let ids = home.with_the_recorded_house().await;
    let named = async |name: &str| {
        let all = home.client.get_entities(None).await.unwrap();
        all.into_iter()
            .find(|entity| entity.name.contains(name))
            .unwrap()
            .id
    };
    let (manual, kitchen) = (named("QN90A").await, named("Kitchen").await);
    let path = home
        .client
        .find_path(manual, kitchen.clone(), None)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(path.relationships.len() + 1, path.entities.len());
    for (edge, ends) in path.relationships.iter().zip(path.entities.windows(2)) {
        let said = [edge.from_id.clone().unwrap(), edge.to_id.clone().unwrap()];
        let walked = [ends[0].id.clone(), ends[1].id.clone()];
        assert!(
            said == walked || said == [walked[1].clone(), walked[0].clone()],
            "{edge:?}"
        );
    }
    let near = home
        .client
        .find_path(kitchen.clone(), kitchen.clone(), Some(0))
        .await
        .unwrap()
        .unwrap();
    assert_eq!((near.entities.len(), near.relationships.len()), (1, 0));
    assert_eq!(home.client.get_entities(None).await.unwrap().len(), ids.len());
    let nowhere = home.client.find_path(kitchen, id("nowhere"), None).await;
    assert!(
        matches!(nowhere, Err(WildThingError::NotFound { .. })),
        "{nowhere:?}"
    );
}

#[tokio::test]
async fn without_a_graph_there_are_entities_but_no_others_and_no_edges() {
    for protocol in [None, Some(Protocol::V1)] {
        let home = match protocol {
            None => Home::offline().await,
            Some(protocol) => Home::speaking(protocol).await,
        };
        let unsupported = |refusal: Result<(), WildThingError>| match refusal {
            Err(error @ WildThingError::UnsupportedByServer { .. }) => {
                assert_eq!(error.code(), "unsupported_by_server");
            }
            other => panic!("{other:?}"),
        };
        let note = home.client.create_entity(NewEntity::new("note", "WiFi")).await;
        unsupported(note.map(drop));
        let house = home
            .make(
                "home",
                "Cabin",
                json!({"address": "1", "settings": {"eco": true}}),
            )
            .await;
        let room = home
            .make("room", "Hall", json!({"house_id": house.id, "floor": 2}))
            .await;
        let device = home
            .make(
                "device",
                "Lamp",
                json!({"room_id": room.id, "device_type": "light"}),
            )
            .await;
        home.client
            .create_user(NewUser::new(house.id.clone(), "Ann"))
            .await
            .unwrap();
        assert_eq!(
            home.client.get_room(room.id.clone()).await.unwrap().floor,
            Some(2)
        );
        let state = object(json!({"power": "on"}));
        home.client
            .update_device_state(device.id.clone(), state, None, false)
            .await
            .unwrap();
        let entities = home.client.get_entities(None).await.unwrap();
        let types: Vec<&str> = entities
            .iter()
            .map(|entity| entity.entity_type.as_str())
            .collect();
        assert_eq!(types, ["device", "home", "room", "user"]);
        assert_eq!(entities[0].content["state"], json!({"power": "on"}));
        assert_eq!(entities[1].content["settings"], json!({"eco": true}));
        assert_eq!(entities[2].content["house_id"], house.id.as_str());
        let patch = content(
            json!({"settings": {"eco": null, "dark": 1}, "address": null}),
            false,
        );
        let changed = home.client.update_entity(house.id.clone(), patch).await.unwrap();
        assert_eq!(changed.content["settings"], json!({"dark": 1}));
        assert_eq!(
            home.client.get_house(None).await.unwrap().settings,
            Some(json!({"dark": 1}))
        );
        assert!(home.client.get_house(None).await.unwrap().address.is_none());
        let whole = home
            .client
            .update_entity(house.id.clone(), content(json!({}), true))
            .await;
        unsupported(whole.map(drop));
        let unknown = home
            .client
            .update_entity(house.id.clone(), content(json!({"x": 1}), false))
            .await;
        assert_eq!(refused(unknown), "x");
        let homeless = NewEntity::new("room", "Nowhere");
        assert_eq!(refused(home.client.create_entity(homeless).await), "house_id");
        let (from, to) = (device.id.clone(), room.id.clone());
        let edge = home
            .client
            .connect_entities(from, to, "located_in".into(), None)
            .await;
        unsupported(edge.map(drop));
        home.client.delete_entity(house.id).await.unwrap();
        assert!(home.client.get_entities(None).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn an_id_that_is_there_twice_is_told_apart_by_its_type() {
    let home = Home::offline().await;
    let house = NewHouse {
        name: "Cabin".into(),
        ..NewHouse::default()
    };
    let house = home.client.create_house(house).await.unwrap().id;
    let room = home.make("room", "Hall", json!({"house_id": house})).await.id;
    // As old servers have it.
    home.database()
        .execute(
            "UPDATE records SET id = ?1 WHERE id = ?2",
            [house.as_str(), room.as_str()],
        )
        .unwrap();
    assert_eq!(
        refused(home.client.get_entity(house.clone(), None).await),
        "entity_id"
    );
    assert_eq!(
        refused(home.client.delete_entity(house.clone()).await),
        "entity_id"
    );
    let get = |name: &str| home.client.get_entity(house.clone(), Some(name.to_owned()));
    assert_eq!(get("room").await.unwrap().name, "Hall");
    assert_eq!(get("home").await.unwrap().name, "Cabin");
}

/// The shortest distances from `start` by the book.
fn distances(size: usize, edges: &[(usize, usize)], start: usize) -> BTreeMap<usize, usize> {
    let mut known = BTreeMap::from([(start, 0)]);
    let mut waiting = VecDeque::from([start]);
    while let Some(here) = waiting.pop_front() {
        for there in 0..size {
            let joined = edges.contains(&(here, there)) || edges.contains(&(there, here));
            if joined && !known.contains_key(&there) {
                known.insert(there, known[&here] + 1);
                waiting.push_back(there);
            }
        }
    }
    known
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]
    #[test]
    fn paths_and_neighbours_are_those_of_a_naive_graph(
        edges in prop::collection::vec((0..7_usize, 0..7_usize), 0..12),
        gone in prop::option::of(0..7_usize),
        depth in 0..5_u32,
    ) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let home = Home::new().await;
            let mut ids = Vec::new();
            for number in 0..7 {
                ids.push(home.make("zone", &format!("Z{number}"), json!({})).await.id);
            }
            let mut edges: Vec<(usize, usize)> = edges.into_iter().filter(|(from, to)| from != to).collect();
            for (from, to) in &edges {
                home.join(&ids[*from], &ids[*to], "connects_to").await;
            }
            if let Some(gone) = gone {
                home.client.delete_entity(ids[gone].clone()).await.unwrap();
                edges.retain(|(from, to)| *from != gone && *to != gone);
            }
            let live = (0..7).filter(|number| Some(*number) != gone);
            for from in live.clone() {
                let known = distances(7, &edges, from);
                let next = home.client.neighbours(ids[from].clone(), None, None).await.unwrap();
                let next: BTreeSet<&RecordId> = next.iter().map(|next| &next.entity.id).collect();
                let near = known.iter().filter(|(_, distance)| **distance == 1);
                let near: BTreeSet<&RecordId> = near.map(|(number, _)| &ids[*number]).collect();
                assert_eq!(next, near);
                for to in live.clone() {
                    let (start, end) = (ids[from].clone(), ids[to].clone());
                    let path = home.client.find_path(start, end, Some(depth)).await.unwrap();
                    let length = path.map(|path| path.relationships.len());
                    let expected = known.get(&to).copied().filter(|distance| *distance <= depth as usize);
                    assert_eq!(length, expected, "{from} to {to} of {edges:?}");
                }
            }
        });
    }
}
