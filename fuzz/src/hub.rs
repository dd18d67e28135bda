//! Hubs: whatever is posted is answered, and heard once.

use serde_json::{Value, json};
use wildthing::hub::v2::GraphStore;
use wildthing::hub::{HubError, HubStore};
use wildthing::model::Kind;
use wildthing::protocol::v1::{Delta, PushRequest, SyncRequest as PlainRequest};
use wildthing::protocol::v2::{SyncRequest, SyncResponse};

use crate::seam;

/// Bodies posted to a hub of v1, a line each: a push if one reads so, else a request.
pub fn v1_hub(bytes: &[u8]) {
    let mut hub = HubStore::in_memory(seam()).expect("a hub in memory");
    for body in bytes.split(|byte| *byte == b'\n') {
        if let Ok((client, changes)) = PushRequest::decode_frame(body) {
            answered(hub.push(&client, changes.clone()));
            let digest = hub.content_digest().expect("a digest");
            answered(hub.push(&client, changes));
            let again = hub.content_digest().expect("a digest");
            assert_eq!(digest, again, "a push that came twice was heard twice");
        } else if let Ok(request) = PlainRequest::decode(body) {
            answered(hub.delta(&request));
        }
    }
    let kinds: Vec<String> = Kind::V1.iter().map(Kind::plural).collect();
    let all = json!({"type": "sync_request", "client_id": "reader", "entity_types": kinds});
    let all = PlainRequest::decode(all.to_string().as_bytes()).expect("a request");
    let delta = hub.delta(&all).expect("a delta");
    Delta::decode(delta.encode().to_string().as_bytes()).expect("no client can read it");
}

/// Bodies posted to a hub of v2, a line each.
pub fn v2_hub(bytes: &[u8]) {
    let mut hub = GraphStore::in_memory(seam()).expect("a hub in memory");
    for body in bytes.split(|byte| *byte == b'\n') {
        let Ok(request) = SyncRequest::decode(body) else {
            continue;
        };
        answered(hub.sync(request.clone()));
        let digest = hub.state_digest().expect("a digest");
        answered(hub.sync(request));
        let again = hub.state_digest().expect("a digest");
        assert_eq!(digest, again, "a push that came twice was heard twice");
    }
    let all = json!({"protocol_version": "inbetweenies-v2", "device_id": "reader", "user_id": "reader",
                     "sync_type": "full", "changes": [], "vector_clock": {"clocks": {}}});
    let all = SyncRequest::decode(all.to_string().as_bytes()).expect("a request");
    let told = hub.sync(all).expect("a page");
    let told: Value = told.encode();
    SyncResponse::decode(told.to_string().as_bytes()).expect("no client can read it");
}

/// Refusals say what is wrong with a request; anything else is wrong with the hub.
fn answered<T>(result: Result<T, HubError>) {
    match result {
        Ok(_) | Err(HubError::Protocol(_) | HubError::Refused { .. } | HubError::NotFound { .. }) => {}
        Err(error) => panic!("the hub failed: {error:?}"),
    }
}
