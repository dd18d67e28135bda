//! The paths of hubs: whatever is asked is answered in the protocol's shapes, and
//! nobody sees or changes more than what they know gives them.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::http::Method;
use axum::http::header::{CONTENT_TYPE, LOCATION};
use serde_json::json;
use wildthing::hub::v2::{AdminPassword, GraphStore};
use wildthing::hub::{self, AuthToken, HubStore};
use wildthing::protocol::v1::{ACK_PATH, Delta, HEALTH_PATH, PUSH_PATH, PushResult, REQUEST_PATH};
use wildthing::protocol::v2::{
    AUTH_PATH, EntityAnswer, EntityListing, GRAPH_PATH, Me, QrAnswer, RelationshipListing, SYNC_PATH,
    SyncResponse, TokenAnswer, VersionListing, for_each_edge,
};

use crate::ask::{Answer, Request, Secret, ask};
use crate::seam;

const TOKEN: &str = "the-token-of-the-house";
const PASSWORD: &str = "the password of the admin";
/// The first line of an input whose hub has a password: hashing it is dear.
const WITH_PASSWORD: &[u8] = b"with password";

/// What a request may come to, by where it goes and what its sender knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum May {
    /// It is told who it is not, at most that there is no such path.
    Nothing,
    /// It may guess at a secret, or show one that is over, in vain.
    Guess,
    Look,
    Change,
}

/// Requests to a hub of v1, a line each, as `Request::read` reads them: to one that
/// asks for a token, and to one that lets everybody in.
pub fn v1_routes(bytes: &[u8]) {
    for token in [Some(TOKEN), None] {
        let seam = seam();
        let store = HubStore::in_memory(Arc::clone(&seam)).expect("a hub in memory");
        let store = Arc::new(Mutex::new(store));
        let app = hub::app(Arc::clone(&store), token.map(AuthToken::from), seam);
        let dump = || store.lock().expect("a store").dump().expect("a dump");
        let mut secrets = Secrets::new(vec![("$token", TOKEN.to_owned())]);
        made(&app, &secrets, &furnish_v1());
        let mut before = dump();

        for line in bytes.split(|byte| *byte == b'\n') {
            let Some(request) = Request::read(line, &secrets.known) else {
                continue;
            };
            let may = match request.uri.path() {
                "/" | HEALTH_PATH => May::Look,
                _ if token.is_some() && !request.knows(TOKEN) => May::Nothing,
                _ => May::Change,
            };
            let answer = ask(&app, &request);
            let after = dump();
            let changed = after != before;
            before = after;
            holds_for_all(&request, &answer, may, changed);
            secrets.are_kept(&request, &answer);
            if answer.status == 200 && request.method != Method::HEAD {
                is_of_v1(request.uri.path(), &answer.body);
            }
        }
    }
}

/// Requests to a hub of v2, likewise. A first line `with password` gives the hub one.
pub fn v2_routes(bytes: &[u8]) {
    let seam = seam();
    let mut store = GraphStore::in_memory(Arc::clone(&seam)).expect("a hub in memory");
    let mut lines = bytes.split(|byte| *byte == b'\n').peekable();
    if lines.next_if_eq(&WITH_PASSWORD).is_some() {
        let password = AdminPassword::new(PASSWORD);
        store.set_admin_password(&password).expect("a password");
    }
    let store = Arc::new(Mutex::new(store));
    let app = hub::v2::app(Arc::clone(&store), Some(TOKEN.into()), seam).expect("an app");
    let dump = || store.lock().expect("a store").dump().expect("a dump");

    let mut secrets = Secrets::new(vec![
        ("$token", TOKEN.to_owned()),
        ("$password", PASSWORD.to_owned()),
    ]);
    made(&app, &secrets, &furnish_v2());
    let invite = format!("POST {AUTH_PATH}/guest/generate-qr\tauthorization: Bearer $token\t{{}}");
    let invited = QrAnswer::decode(&made(&app, &secrets, &invite)).expect("an invitation");
    secrets.known.push(("$code", invited.qr_data.token.clone()));
    let verify = format!("POST {AUTH_PATH}/guest/verify\t{{\"token\": \"$code\"}}");
    let verified = TokenAnswer::decode(&made(&app, &secrets, &verify)).expect("a guest's token");
    secrets.known.push(("$guest", verified.access_token.clone()));
    let mut guest = Guest {
        code: invited.qr_data.token,
        token: verified.access_token,
        is_invited: true,
    };
    let mut before = dump();

    for line in lines {
        let Some(request) = Request::read(line, &secrets.known) else {
            continue;
        };
        let may = may_in_v2(&request, &guest);
        let answer = ask(&app, &request);
        let after = dump();
        let changed = after != before;
        before = after;
        holds_for_all(&request, &answer, may, changed);
        secrets.are_kept(&request, &answer);
        if answer.status == 200 {
            assert!(
                may == May::Change || !is_for_admins(&request),
                "{may:?} was enough: {request:?}"
            );
            if request.method != Method::HEAD {
                is_of_v2(&request, &answer.body);
            }
            let revoked = request.uri.path() == format!("{AUTH_PATH}/guest/revoke");
            guest.is_invited &= !(revoked && request.knows(&guest.code));
        }
    }
}

/// Somebody who was shown a code and was given a token for it.
struct Guest {
    code: String,
    token: String,
    is_invited: bool,
}

fn may_in_v2(request: &Request, guest: &Guest) -> May {
    let path = request.uri.path();
    let guess = |right| if right { May::Look } else { May::Guess };
    match path.strip_prefix(AUTH_PATH) {
        Some("/admin/login") => guess(request.knows(PASSWORD)),
        Some("/guest/verify") => guess(guest.is_invited && request.knows(&guest.code)),
        _ if matches!(path, "/" | HEALTH_PATH) => May::Look,
        _ if path == SYNC_PATH.trim_end_matches('/') => May::Look,
        _ if request.knows(TOKEN) => May::Change,
        _ if request.knows(&guest.token) => guess(guest.is_invited),
        _ => May::Nothing,
    }
}

/// Whether no guest is served there.
fn is_for_admins(request: &Request) -> bool {
    let path = request.uri.path();
    let changes = matches!(request.method, Method::POST | Method::PUT);
    match (path.strip_prefix(AUTH_PATH), path.strip_prefix(GRAPH_PATH)) {
        (Some(end), _) => matches!(
            end,
            "/refresh" | "/guest/generate-qr" | "/guest/list" | "/guest/revoke"
        ),
        (_, Some(end)) => changes && (end.starts_with("/entities") || end == "/relationships"),
        _ => false,
    }
}

fn holds_for_all(request: &Request, answer: &Answer, may: May, changed: bool) {
    let status = answer.status;
    let story = || format!("{may:?}, {request:?} was answered {status} {:?}", answer.json());
    assert!(status < 500, "the hub failed: {}", story());
    match may {
        May::Nothing => assert!(
            matches!(status, 401 | 404 | 405),
            "a stranger was let in: {}",
            story()
        ),
        May::Guess => assert!((400..500).contains(&status), "guessed: {}", story()),
        May::Look | May::Change => {}
    }

    let posted = matches!(request.method, Method::POST | Method::PUT);
    let path = request.uri.path().strip_prefix(AUTH_PATH);
    let bodiless = matches!(path, Some("/refresh" | "/guest/revoke"));
    let understood = status == 200 && posted;
    assert!(
        !(understood && request.is_garbage() && !bodiless),
        "garbage was understood: {}",
        story()
    );
    assert!(
        !changed || (understood && may == May::Change),
        "something changed: {}",
        story()
    );

    if request.method == Method::HEAD {
        return assert!(answer.body.is_empty());
    }
    if status == 307 {
        let place = answer.headers.get(LOCATION).expect("a place");
        return assert!(place.as_bytes().starts_with(SYNC_PATH.as_bytes()), "{place:?}");
    }
    assert!(
        answer
            .headers
            .get(CONTENT_TYPE)
            .is_some_and(|it| it == "application/json")
            && answer.json().is_object(),
        "it is not JSON: {}",
        story()
    );
    assert!(
        status < 400 || answer.json().get("detail").is_some(),
        "no detail: {}",
        story()
    );
}

/// What a client of v1 is answered, it can read.
fn is_of_v1(path: &str, body: &[u8]) {
    match path {
        REQUEST_PATH => drop(Delta::decode(body).expect("no delta")),
        PUSH_PATH => drop(PushResult::decode(body).expect("no result")),
        ACK_PATH => {
            let answer: serde_json::Value = serde_json::from_slice(body).expect("JSON");
            assert_eq!(answer["type"], "sync_ack_response");
        }
        _ => {}
    }
}

/// What a client of v2 is answered, it can read.
fn is_of_v2(request: &Request, body: &[u8]) {
    let path = request.uri.path();
    if path == SYNC_PATH {
        SyncResponse::decode(body).expect("no answer to a sync");
    }
    match path.strip_prefix(AUTH_PATH) {
        Some("/admin/login" | "/refresh" | "/guest/verify") => {
            drop(TokenAnswer::decode(body).expect("no token"))
        }
        Some("/me") => drop(Me::decode(body).expect("nobody")),
        Some("/guest/generate-qr") => drop(QrAnswer::decode(body).expect("no invitation")),
        _ => {}
    }
    let Some(end) = path
        .strip_prefix(GRAPH_PATH)
        .filter(|_| request.method == Method::GET)
    else {
        return;
    };
    let steps: Vec<&str> = end.split('/').skip(1).collect();
    match steps[..] {
        ["entities"] => drop(EntityListing::decode(body).expect("no entities")),
        ["entities", _] => drop(EntityAnswer::decode(body).expect("no entity")),
        ["entities", _, "versions"] => drop(VersionListing::decode(body).expect("no versions")),
        ["relationships"] => {
            let all = RelationshipListing::decode(body).expect("no edges");
            let mut count = 0;
            let each = for_each_edge(body, |_| {
                count += 1;
                Ok::<_, ()>(())
            });
            assert_eq!(
                (each.expect("no edges"), count),
                (Ok(()), all.relationships.len())
            );
        }
        _ => {}
    }
}

/// What only some know.
struct Secrets {
    known: Vec<Secret>,
    /// Those that somebody put where they may be repeated.
    told: Vec<String>,
}

impl Secrets {
    fn new(known: Vec<Secret>) -> Self {
        let told = Vec::new();
        Self { known, told }
    }

    /// No answer tells a secret, unless somebody did before, or it is asked for.
    fn are_kept(&mut self, request: &Request, answer: &Answer) {
        let known = self.known.iter().map(|(_, secret)| secret);
        self.told
            .extend(known.filter(|secret| request.tells(secret)).cloned());
        let verifies = request.uri.path().ends_with("/guest/verify");
        for (word, secret) in &self.known {
            let may_come = self.told.contains(secret) || (verifies && *word == "$guest");
            assert!(may_come || !answer.tells(secret), "{word} was told: {request:?}");
        }
    }
}

/// The answer to a request that goes well.
fn made(app: &Router, secrets: &Secrets, line: &str) -> Vec<u8> {
    let request = Request::read(line.as_bytes(), &secrets.known).expect("a request");
    let answer = ask(app, &request);
    assert_eq!(answer.status, 200, "{:?}", answer.json());
    answer.body
}

/// A house `home` with a room `hall` and a device `lamp`.
fn furnish_v1() -> String {
    let made = |kind: &str, id: &str, mut data: serde_json::Value| {
        data["id"] = id.into();
        data["name"] = id.into();
        data["sync_id"] = format!("{id}-1").into();
        data["updated_at"] = "2026-01-01T00:00:00".into();
        json!({"entity_type": kind, "entity_id": id, "operation": "create", "data": data,
               "client_sync_id": format!("{id}-1"), "bases": []})
    };
    let changes = [
        made("house", "home", json!({})),
        made("room", "hall", json!({"house_id": "home"})),
        made(
            "device",
            "lamp",
            json!({"room_id": "hall", "device_type": "light"}),
        ),
    ];
    let push = json!({"type": "sync_push", "client_id": "ann", "changes": changes});
    format!("POST {PUSH_PATH}\tauthorization: Bearer $token\t{push}")
}

/// A room `hall` and a device `lamp` in it, each in a version `1`.
fn furnish_v2() -> String {
    let made = |id: &str, entity_type: &str, edges: serde_json::Value| {
        let entity = json!({"id": id, "version": "1", "entity_type": entity_type, "name": id, "content": {},
                            "source_type": "manual", "user_id": "ann", "parent_versions": []});
        json!({"change_type": "create", "entity": entity, "relationships": edges})
    };
    let edge = json!({"id": "in", "from_entity_id": "lamp", "from_entity_version": "1", "to_entity_id": "hall",
                      "to_entity_version": "1", "relationship_type": "located_in", "properties": {}});
    let changes = [
        made("hall", "room", json!([])),
        made("lamp", "device", json!([edge])),
    ];
    let push = json!({"device_id": "ann", "user_id": "ann", "sync_type": "delta", "changes": changes});
    format!("POST {SYNC_PATH}\tauthorization: Bearer $token\t{push}")
}
