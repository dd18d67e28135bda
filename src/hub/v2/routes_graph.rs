//! The paths of the graph. Shapes that were recorded are as recorded; those of
//! `connected`, `similar`, `path` and single edges were not, and are this hub's.

use std::collections::HashMap;

use axum::Router;
use axum::extract::{FromRequestParts, Path, Query, State};
use axum::http::request::Parts;
use axum::response::Response;
use axum::routing::{get, post};
use serde_json::Value;

use crate::hub::HubError;
use crate::hub::http::{Problem, blocking, lock};
use crate::protocol::decode::{message, required_text};
use crate::protocol::v2::GRAPH_PATH;

use super::graph::NO_ENTITY;
use super::routes::{Asked, Message, Shared, field};
use super::store::GraphStore;

const MAX_LIMIT: u64 = 100;
const DEFAULT_LIMIT: u64 = 100;
const DEFAULT_FOUND: u64 = 10;
const DEFAULT_DEPTH: u64 = 10;
const MAX_DEPTH: u64 = 100;

type Asking = Query<HashMap<String, String>>;

pub(super) fn routes() -> Router<Shared> {
    let path = |end: &str| format!("{GRAPH_PATH}/{end}");
    Router::new()
        .route(&path("entities"), get(entities).post(create_entity))
        .route(&path("entities/{id}"), get(entity).put(update_entity))
        .route(&path("entities/{id}/versions"), get(versions))
        .route(&path("entities/{id}/connected"), get(connected))
        .route(&path("entities/{id}/similar"), get(similar))
        .route(
            &path("relationships"),
            get(relationships).post(create_relationship),
        )
        .route(&path("search"), post(search))
        .route(&path("path"), post(find_path))
        .route(&path("statistics"), get(statistics))
}

/// The entity that a path names, for handlers that know who asks. What is not UTF-8
/// names none.
struct Id(String);

impl FromRequestParts<Shared> for Id {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, shared: &Shared) -> Result<Self, Problem> {
        match Path::from_request_parts(parts, shared).await {
            Ok(Path(id)) => Ok(Self(id)),
            Err(_) => Err(NO_ENTITY.into()),
        }
    }
}

async fn entities(
    State(shared): State<Shared>,
    asked: Asked,
    Query(query): Asking,
) -> Result<Response, Problem> {
    let limit = number(&query, "limit", DEFAULT_LIMIT, MAX_LIMIT)?;
    let offset = number(&query, "offset", 0, u64::MAX)?;
    looking(shared, asked, move |store| {
        let entity_type = query.get("entity_type").map(String::as_str);
        Ok(store.entities(entity_type, limit, offset)?.encode())
    })
    .await
}

async fn entity(
    State(shared): State<Shared>,
    asked: Asked,
    Id(id): Id,
    Query(query): Asking,
) -> Result<Response, Problem> {
    looking(shared, asked, move |store| {
        let version = query.get("version").map(String::as_str);
        Ok(store.entity(&id, version)?.encode())
    })
    .await
}

async fn versions(State(shared): State<Shared>, asked: Asked, Id(id): Id) -> Result<Response, Problem> {
    looking(shared, asked, move |store| {
        Ok(store.entity_versions(&id)?.encode())
    })
    .await
}

async fn connected(State(shared): State<Shared>, asked: Asked, Id(id): Id) -> Result<Response, Problem> {
    looking(shared, asked, move |store| store.connected(&id)).await
}

async fn similar(
    State(shared): State<Shared>,
    asked: Asked,
    Id(id): Id,
    Query(query): Asking,
) -> Result<Response, Problem> {
    let limit = number(&query, "limit", DEFAULT_FOUND, MAX_LIMIT)?;
    looking(shared, asked, move |store| store.similar(&id, limit as usize)).await
}

async fn relationships(
    State(shared): State<Shared>,
    asked: Asked,
    Query(query): Asking,
) -> Result<Response, Problem> {
    looking(shared, asked, move |store| {
        let filter = |name| query.get(name).map(String::as_str);
        let listing = store.relationships(filter("from_id"), filter("to_id"), filter("relationship_type"))?;
        Ok(listing.encode())
    })
    .await
}

async fn statistics(State(shared): State<Shared>, asked: Asked) -> Result<Response, Problem> {
    looking(shared, asked, GraphStore::statistics).await
}

async fn search(State(shared): State<Shared>, message: Message) -> Result<Response, Problem> {
    reading(shared, message, |store, body| {
        let mut object = self::message(body)?;
        let query = required_text(&mut object, "query")?;
        let limit = count(object.remove("limit"), "limit", DEFAULT_FOUND, MAX_LIMIT)?;
        let entity_types = match object.remove("entity_types") {
            None | Some(Value::Null) => None,
            Some(types) => match texts(&types) {
                Some(types) => Some(types),
                None => return Err(field("entity_types", "an array of texts", &types)),
            },
        };
        Ok(store.search(&query, entity_types.as_deref(), limit as usize)?)
    })
    .await
}

async fn find_path(State(shared): State<Shared>, message: Message) -> Result<Response, Problem> {
    reading(shared, message, |store, body| {
        let mut object = self::message(body)?;
        let from = required_text(&mut object, "from_id")?;
        let to = required_text(&mut object, "to_id")?;
        let depth = count(object.remove("max_depth"), "max_depth", DEFAULT_DEPTH, MAX_DEPTH)?;
        Ok(store.path(&from, &to, depth as usize)?)
    })
    .await
}

async fn create_entity(State(shared): State<Shared>, message: Message) -> Result<Response, Problem> {
    writing(shared, message, |store, body, _| store.create_entity(body)).await
}

async fn update_entity(
    State(shared): State<Shared>,
    _: Asked,
    Id(id): Id,
    message: Message,
) -> Result<Response, Problem> {
    writing(shared, message, move |store, body, _| {
        store.update_entity(&id, body)
    })
    .await
}

async fn create_relationship(State(shared): State<Shared>, message: Message) -> Result<Response, Problem> {
    writing(shared, message, |store, body, user_id| {
        store.create_relationship(body, user_id)
    })
    .await
}

/// Answers a question without a body.
async fn looking(
    shared: Shared,
    Asked(caller): Asked,
    work: impl FnOnce(&GraphStore) -> Result<Value, HubError> + Send + 'static,
) -> Result<Response, Problem> {
    blocking(shared.store, move |store| {
        let store = lock(store);
        caller.still_invited(&store)?;
        Ok(work(&store)?.to_string())
    })
    .await
}

/// Answers a question with a body.
async fn reading(
    shared: Shared,
    message: Message,
    work: impl FnOnce(&GraphStore, &[u8]) -> Result<Value, Problem> + Send + 'static,
) -> Result<Response, Problem> {
    blocking(shared.store, move |store| {
        let store = lock(store);
        message.caller.still_invited(&store)?;
        Ok(work(&store, &message.body)?.to_string())
    })
    .await
}

/// Changes the house, for those who may.
async fn writing(
    shared: Shared,
    message: Message,
    work: impl FnOnce(&mut GraphStore, &[u8], &str) -> Result<Value, HubError> + Send + 'static,
) -> Result<Response, Problem> {
    blocking(shared.store, move |store| {
        message.caller.may_write()?;
        let mut store = lock(store);
        Ok(work(&mut store, &message.body, &message.caller.user_id)?.to_string())
    })
    .await
}

fn texts(types: &Value) -> Option<Vec<String>> {
    let words = types
        .as_array()?
        .iter()
        .map(|word| word.as_str().map(str::to_owned));
    words.collect()
}

/// A number of a body.
fn count(found: Option<Value>, name: &str, otherwise: u64, most: u64) -> Result<u64, Problem> {
    match found {
        None | Some(Value::Null) => Ok(otherwise),
        Some(found) => match found.as_u64() {
            Some(count) if count <= most => Ok(count),
            _ => Err(field(
                name,
                "a whole number of 0 or more, and not too large",
                &found,
            )),
        },
    }
}

/// A number of a query.
fn number(query: &HashMap<String, String>, name: &str, otherwise: u64, most: u64) -> Result<u64, Problem> {
    let place = ["query", name].map(Value::from);
    match query.get(name).map(|text| text.parse()) {
        None => Ok(otherwise),
        Some(Ok(number)) if number <= most => Ok(number),
        Some(Ok(_)) => {
            let message = format!("Input should be less than or equal to {most}");
            Err(Problem::invalid("less_than_equal", &place, &message))
        }
        Some(Err(_)) => {
            let message = "Input should be a valid integer of 0 or more";
            Err(Problem::invalid("int_parsing", &place, message))
        }
    }
}
