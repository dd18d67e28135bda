//! The recordings of FunkyGibbon 0.3.

use sha2::{Digest as _, Sha256};
use wildthing::protocol::v2::{
    EntityAnswer, EntityDigest, EntityListing, LoginRequest, Me, PROTOCOL_VERSION, QrAnswer,
    RelationshipListing, Role, Strategy, SyncRequest, SyncResponse, TokenAnswer, VersionListing,
};

use super::*;

/// Leaves out what only says "nothing".
fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(object) => object
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| (name, without_nulls(value)))
            .collect(),
        Value::Array(items) => items.into_iter().map(without_nulls).collect(),
        other => other,
    }
}

#[test]
fn every_recorded_sync_is_read_and_written_without_loss() {
    let mut answers = 0;
    for case in cases() {
        if case["path"] != "/api/v1/sync/" || case["status"] != 200 {
            continue;
        }
        let name = case["name"].as_str().unwrap();
        let read =
            SyncResponse::decode(&bytes(&case["answer"])).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(read.encode(), case["answer"], "{name}");
        let request =
            SyncRequest::decode(&bytes(&case["body"])).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(request.protocol_version, PROTOCOL_VERSION, "{name}");
        let written = request.encode();
        assert_eq!(SyncRequest::decode(&bytes(&written)), Ok(request), "{name}");
        for (change, recorded) in written["changes"]
            .as_array()
            .unwrap()
            .iter()
            .zip(case["body"]["changes"].as_array().unwrap_or(&Vec::new()))
        {
            assert_eq!(
                without_nulls(change.clone()),
                without_nulls(recorded.clone()),
                "{name}"
            );
        }
        answers += 1;
    }
    assert!(answers > 50, "{answers}");
}

#[test]
fn recorded_conflicts_are_understood() {
    let mut seen = Vec::new();
    for case in cases() {
        let Ok(answer) = SyncResponse::decode(&bytes(&case["answer"])) else {
            continue;
        };
        for conflict in answer.conflicts {
            assert!(
                !matches!(conflict.resolution_strategy, Strategy::Other(_)),
                "{conflict:?}"
            );
            let kept = match conflict.resolution_strategy {
                Strategy::LocalNewer | Strategy::LocalGreater => &conflict.local_version,
                _ => &conflict.remote_version,
            };
            assert_eq!(*kept, conflict.resolved_version);
            seen.push(conflict.resolution_strategy.as_str().to_owned());
        }
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 4);
}

#[test]
fn the_digest_of_the_recorded_house_is_the_recorded_one() {
    let answer = SyncResponse::decode(&data("v2-full-sync.json")).unwrap();
    assert_eq!(answer.changes.len(), 33);
    assert_eq!(answer.encode(), data_json("v2-full-sync.json"));
    let mut current: Vec<_> = answer
        .changes
        .iter()
        .map(|change| change.entity.as_ref().unwrap())
        .collect();
    current.sort_by(|a, b| a.id.as_bytes().cmp(b.id.as_bytes()));
    let mut digest = EntityDigest::default();
    let mut text = String::new();
    for entity in current {
        digest.add(&entity.id, &entity.version);
        text.push_str(&format!("{}\u{1f}{}\u{1e}", entity.id, entity.version));
    }
    let digest = digest.finish();
    assert_eq!(Some(&digest), answer.state_digest.as_ref());
    let by_hand: String = Sha256::digest(text)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(digest, by_hand);
}

#[test]
fn the_recorded_edges_are_read_and_written_without_loss() {
    let listing = RelationshipListing::decode(&data("v2-relationships.json")).unwrap();
    assert_eq!(listing.relationships.len(), 46);
    assert_eq!(listing.encode(), data_json("v2-relationships.json"));
    assert!(listing.relationships.iter().all(|edge| !edge.item.is_deleted()));
    let house = SyncResponse::decode(&data("v2-full-sync.json")).unwrap();
    assert!(house.changes.iter().all(|change| change.relationships.is_empty()));
}

#[test]
fn recorded_listings_are_read_and_written_without_loss() {
    let listed = case("REST list")["answer"].clone();
    assert_eq!(EntityListing::decode(&bytes(&listed)).unwrap().encode(), listed);
    let versions = case("REST versions")["answer"].clone();
    assert_eq!(
        VersionListing::decode(&bytes(&versions)).unwrap().encode(),
        versions
    );
    for name in ["REST entity after update: edges?", "REST get of tombstoned"] {
        let one = case(name)["answer"].clone();
        let read = EntityAnswer::decode(&bytes(&one)).unwrap();
        assert_eq!(read.encode(), one);
        assert_eq!(read.entity.item.is_deleted(), name.contains("tombstoned"));
    }
    let created = EntityAnswer::decode(&bytes(&case("REST create")["answer"])).unwrap();
    assert_eq!(
        (created.entity.item.name.as_str(), created.outgoing.len()),
        ("R", 0)
    );
}

#[test]
fn recorded_authentication_is_read_and_written_without_loss() {
    let login = case("login ok");
    let request = LoginRequest::decode(&bytes(&login["body"])).unwrap();
    assert_eq!(request.encode(), login["body"]);
    assert!(!format!("{request:?}").contains(&request.password));
    for name in ["login ok", "refresh", "guest verify"] {
        let answer = case(name)["answer"].clone();
        let token = TokenAnswer::decode(&bytes(&answer)).unwrap();
        assert_eq!(token.encode(), answer, "{name}");
        assert!(!format!("{token:?}").contains(&token.access_token));
    }
    for name in ["me", "guest me"] {
        let answer = case(name)["answer"].clone();
        assert_eq!(Me::decode(&bytes(&answer)).unwrap().encode(), answer, "{name}");
    }
    // A token that anyone signed: its role is not one we know.
    let strange = Me::decode(&bytes(&case("signed token, no exp, unknown role")["answer"])).unwrap();
    assert_eq!(
        (strange.role, strange.expires_at),
        (Role::Other("whatever".into()), None)
    );
    let answer = case("generate guest qr")["answer"].clone();
    let qr = QrAnswer::decode(&bytes(&answer)).unwrap();
    assert_eq!(qr.encode(), answer);
    let shown = format!("{qr:?}");
    assert!(!shown.contains(&qr.qr_data.token) && !shown.contains("iVBOR"));
}
