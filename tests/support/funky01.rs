//! A stub of FunkyGibbon 0.1, the only historical server of Inbetweenies v1,
//! with its faults as they were recorded from a running one.
//!
//! Here lives what it keeps and how it answers; `funky01_push` holds what it
//! does with a change. Of its REST interface only what a sync can notice is
//! here: [`Funky01::put_row`] edits a row as a REST call would.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use chrono::{DateTime, NaiveDateTime, Utc};
use serde_json::{Map, Value, json};

use super::funky01_push::{self, Pushed};
use super::raw_http::{Canned, RawServer, Received};

/// A row as the server gives it out.
pub type Row = Map<String, Value>;

/// The most rows a kind in a delta, and in an answer to `last_sync: null`.
const DELTA_LIMIT: usize = 100;
const FULL_LIMIT: usize = 1_000;

/// A running stub. Dropped, it stops.
pub struct Funky01 {
    server: RawServer,
    state: Arc<Mutex<State>>,
}

impl Funky01 {
    pub fn start() -> Self {
        let state = Arc::new(Mutex::new(State::default()));
        let server = RawServer::start({
            let state = state.clone();
            move |request| state.lock().unwrap().answer(&request)
        });
        Self { server, state }
    }

    pub fn url(&self) -> String {
        self.server.url()
    }

    /// All rows of a kind by id, deleted ones too. `house` and `houses` are the same.
    pub fn rows(&self, kind: &str) -> BTreeMap<String, Value> {
        let state = self.state.lock().unwrap();
        let rows = state.tables.rows(singular(kind)).iter();
        rows.map(|row| (id_of(row), Value::Object(row.clone()))).collect()
    }

    /// Makes or edits a row as the REST interface does: an edit counts `version`
    /// up and sets `updated_at` (unless given), but leaves `sync_id` as it was.
    pub fn put_row(&self, kind: &str, row: Value) {
        let Value::Object(given) = row else {
            panic!("a row is an object: {row}")
        };
        let kind = singular(kind);
        let mut state = self.state.lock().unwrap();
        let known = state
            .tables
            .rows(kind)
            .iter()
            .position(|row| row.get("id") == given.get("id"));
        match known {
            Some(index) => {
                let row = &mut state.tables.rows_mut(kind)[index];
                let version = row
                    .get("version")
                    .and_then(Value::as_str)
                    .and_then(|v| v.parse().ok());
                let version: u64 = version.unwrap_or(0) + 1;
                row.insert("version".to_owned(), version.to_string().into());
                row.insert("updated_at".to_owned(), now().into());
                row.extend(given.into_iter().filter(|(name, _)| name != "sync_id"));
            }
            None => state.tables.insert(kind, given),
        }
    }

    /// Every request so far: path and body, null where there was none.
    pub fn requests(&self) -> Vec<(String, Value)> {
        self.state.lock().unwrap().requests.clone()
    }
}

/// `houses` and `house` are `house`.
fn singular(kind: &str) -> &str {
    kind.strip_suffix('s').unwrap_or(kind)
}

/// Ids may be integers: states and events have such.
fn id_of(row: &Row) -> String {
    match row.get("id") {
        Some(Value::String(id)) => id.clone(),
        Some(id) => id.to_string(),
        None => String::new(),
    }
}

#[derive(Default)]
struct State {
    tables: Tables,
    requests: Vec<(String, Value)>,
}

impl State {
    fn answer(&mut self, request: &Received) -> Canned {
        let body = serde_json::from_slice(&request.body);
        self.requests
            .push((request.path.clone(), body.as_ref().cloned().unwrap_or_default()));
        match (request.method.as_str(), request.path.as_str()) {
            ("GET", "/") => Canned::json(
                200,
                &json!({"name": "FunkyGibbon", "version": "0.1.0", "status": "ready"}),
            ),
            ("GET", "/health") => Canned::json(200, &json!({"status": "healthy"})),
            ("POST", "/api/v1/sync/request") => self.with_body(body, Self::delta),
            ("POST", "/api/v1/sync/push") => self.with_body(body, Self::push),
            ("POST", "/api/v1/sync/ack") => self.with_body(body, Self::ack),
            (_, "/api/v1/sync/request" | "/api/v1/sync/push" | "/api/v1/sync/ack") => {
                Canned::json(405, &json!({"detail": "Method Not Allowed"}))
            }
            (_, "/api/v1/sync/request/" | "/api/v1/sync/push/" | "/api/v1/sync/ack/") => {
                Canned::answer(307, &[("Location", request.path.trim_end_matches('/'))], "")
            }
            _ => Canned::json(404, &json!({"detail": "Not Found"})),
        }
    }

    fn with_body(
        &mut self,
        body: serde_json::Result<Value>,
        handler: impl FnOnce(&mut Self, &Value) -> Canned,
    ) -> Canned {
        match body {
            Ok(body) => handler(self, &body),
            Err(error) => Canned::json(
                422,
                &json!({"detail": [{
                    "type": "json_invalid", "loc": ["body", error.column()], "msg": "JSON decode error",
                    "input": {}, "ctx": {"error": error.to_string()},
                }]}),
            ),
        }
    }

    fn delta(&mut self, body: &Value) -> Canned {
        if let Some(missing) = missing(body, &["client_id"], &[]) {
            return missing;
        }
        let kinds = match body.get("entity_types").and_then(Value::as_array) {
            Some(kinds) => kinds.clone(),
            // Its own default has the states in it, which it can't give out.
            None => return internal_error(),
        };
        let since = match body.get("last_sync").and_then(Value::as_str).unwrap_or("") {
            "" => None,
            text => match Moment::parse(text) {
                Some(since) => Some(since),
                None => return internal_error(),
            },
        };
        let deleted_too = body.get("include_deleted") != Some(&Value::Bool(false));
        let mut changes = Vec::new();
        for kind in kinds.iter().filter_map(Value::as_str) {
            let kind = match (kind, since) {
                ("events", _) | ("entity_states", None) => return internal_error(),
                ("houses" | "rooms" | "devices" | "users" | "entity_states", _) => singular(kind),
                _ => continue,
            };
            let rows = self.tables.rows(kind).iter();
            match since {
                // Tombstones are not in a full answer, even when asked for.
                None => changes.extend(
                    rows.filter(|row| !is_deleted(row))
                        .take(FULL_LIMIT)
                        .map(|row| change(kind, row)),
                ),
                Some(since) => {
                    // The database compares texts, blind to the offset; Python
                    // then fails over what the database found.
                    let mut newer: Vec<&Row> = rows
                        .filter(|row| updated_at(row).is_some_and(|at| at.wall > since.wall))
                        .filter(|row| deleted_too || !is_deleted(row))
                        .collect();
                    if since.has_offset && !newer.is_empty() {
                        return internal_error();
                    }
                    newer.sort_by_key(|row| updated_at(row).map(|at| at.wall));
                    changes.extend(newer.into_iter().take(DELTA_LIMIT).map(|row| change(kind, row)));
                }
            }
        }
        Canned::json(
            200,
            &json!({
                "type": "sync_delta", "server_time": aware_now(), "changes": changes,
                "conflicts": [], "more": false,
            }),
        )
    }

    fn push(&mut self, body: &Value) -> Canned {
        if let Some(missing) = missing(body, &["client_id", "changes"], &[]) {
            return missing;
        }
        let changes = body["changes"].as_array().cloned().unwrap_or_default();
        let required = ["entity_type", "entity_id", "operation", "data"];
        for (index, change) in changes.iter().enumerate() {
            if let Some(missing) = missing(change, &required, &[json!("changes"), json!(index)]) {
                return missing;
            }
        }
        let (mut applied, mut conflicts) = (Vec::new(), Vec::new());
        for change in &changes {
            match funky01_push::apply(&mut self.tables, change) {
                Pushed::Created => applied.push(json!({
                    "client_sync_id": change.get("client_sync_id"),
                    "server_sync_id": format!("server-{}", change["entity_id"].as_str().unwrap_or_default()),
                    "status": "applied",
                })),
                Pushed::Met(row) => conflicts.push(json!({
                    "entity_type": change["entity_type"], "entity_id": change["entity_id"],
                    "reason": "newer_on_server", "server_version": row,
                    "client_version": change["data"], "resolution": "server_wins",
                })),
                Pushed::Ignored => {}
                // What was committed before stays; nothing after is looked at.
                Pushed::Broken => return internal_error(),
            }
        }
        Canned::json(
            200,
            &json!({"type": "sync_result", "applied": applied, "conflicts": conflicts}),
        )
    }

    fn ack(&mut self, body: &Value) -> Canned {
        missing(body, &["client_id", "sync_completed_at"], &[]).unwrap_or_else(|| {
            Canned::json(
                200,
                &json!({
                    "type": "sync_ack_response", "status": "acknowledged", "server_time": aware_now(),
                }),
            )
        })
    }
}

/// The rows of every kind, in the order they were made.
#[derive(Default)]
pub struct Tables(BTreeMap<String, Vec<Row>>);

impl Tables {
    pub fn rows(&self, kind: &str) -> &[Row] {
        self.0.get(kind).map_or(&[], Vec::as_slice)
    }

    pub fn rows_mut(&mut self, kind: &str) -> &mut Vec<Row> {
        self.0.entry(kind.to_owned()).or_default()
    }

    /// Adds a row with every column that its kind has.
    pub fn insert(&mut self, kind: &str, mut given: Row) {
        let mut row = Row::new();
        let made_at = Value::from(now());
        for &column in funky01_push::columns(kind) {
            let default = match column {
                "id" if kind == "entity_state" || kind == "event" => (self.rows(kind).len() + 1).into(),
                "id" | "sync_id" => uuid::Uuid::new_v4().to_string().into(),
                "created_at" | "updated_at" => made_at.clone(),
                "version" => "1".into(),
                "is_deleted" => false.into(),
                "timezone" => "UTC".into(),
                "floor" | "room_count" | "device_count" | "user_count" => 0.into(),
                "role" => "member".into(),
                _ => Value::Null,
            };
            let value = given.remove(column).filter(|value| !value.is_null());
            row.insert(column.to_owned(), value.unwrap_or(default));
        }
        row.extend(given);
        self.rows_mut(kind).push(row);
    }
}

pub fn is_deleted(row: &Row) -> bool {
    row.get("is_deleted") == Some(&Value::Bool(true))
}

pub fn updated_at(row: &Row) -> Option<Moment> {
    Moment::parse(row.get("updated_at")?.as_str()?)
}

/// The change of a delta: always an update, whatever happened to the row.
fn change(kind: &str, row: &Row) -> Value {
    let made_up = || Value::from(format!("server-{}", id_of(row)));
    json!({
        "entity_type": kind, "entity_id": row.get("id"), "operation": "update", "data": row,
        "updated_at": row.get("updated_at"),
        "sync_id": row.get("sync_id").cloned().unwrap_or_else(made_up),
    })
}

/// A time as the server reads it: it keeps what the clock on the wall said and
/// forgets where the wall was.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    pub wall: NaiveDateTime,
    pub instant: NaiveDateTime,
    pub has_offset: bool,
}

impl Moment {
    pub fn parse(text: &str) -> Option<Self> {
        if let Ok(time) = DateTime::parse_from_rfc3339(text) {
            return Some(Self {
                wall: time.naive_local(),
                instant: time.naive_utc(),
                has_offset: true,
            });
        }
        let wall = NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f").ok()?;
        Some(Self {
            wall,
            instant: wall,
            has_offset: false,
        })
    }

    /// As Python writes it: a fraction of six digits, or none.
    pub fn stored(&self) -> String {
        match self.wall.and_utc().timestamp_subsec_micros() {
            0 => self.wall.format("%Y-%m-%dT%H:%M:%S").to_string(),
            _ => self.wall.format("%Y-%m-%dT%H:%M:%S%.6f").to_string(),
        }
    }
}

fn now() -> String {
    let wall = Utc::now().naive_utc();
    Moment {
        wall,
        instant: wall,
        has_offset: false,
    }
    .stored()
}

fn aware_now() -> String {
    Utc::now().format("%Y-%m-%dT%H:%M:%S%.6f+00:00").to_string()
}

fn internal_error() -> Canned {
    let plain = [("Content-Type", "text/plain; charset=utf-8")];
    Canned::answer(500, &plain, "Internal Server Error")
}

/// The 422 for the fields that `object` lacks, if it lacks any.
fn missing(object: &Value, fields: &[&str], place: &[Value]) -> Option<Canned> {
    let detail: Vec<Value> = fields
        .iter()
        .filter(|field| object.get(field).is_none())
        .map(|field| {
            let place = [&[json!("body")], place, &[json!(field)]].concat();
            json!({"type": "missing", "loc": place, "msg": "Field required", "input": object})
        })
        .collect();
    (!detail.is_empty()).then(|| Canned::json(422, &json!({ "detail": detail })))
}
