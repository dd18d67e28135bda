//! The hand-written replica: the same tables and indexes, prepared statements,
//! one transaction a page, rows in key order, and none of the engine's care: no
//! outbox to look into, nothing to compare, nobody to tell.

use std::path::Path;

use rusqlite::{CachedStatement, Connection, TransactionBehavior, params};
use serde_json::{Map, Value};
use wildthing::model::{Kind, RecordId, Timestamp};
use wildthing::protocol::v1::{REQUEST_PATH, SyncRequest, WireChange};
use wildthing::seam::{RealSeam, Seam as _};
use wildthing::store::{Store, StoreOptions};

use crate::Outcome;
use crate::hub::TOKEN;

/// A new file with the replica's schema.
pub(crate) fn database(path: &Path, synchronous: &str) -> Outcome<Connection> {
    let options = StoreOptions {
        path: Some(path.to_owned()),
        full_sync: false,
        echo: false,
    };
    Store::open(options, RealSeam::shared())?.close();
    let connection = Connection::open(path)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", synchronous)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

pub(crate) const UPSERT: &str = "
    INSERT INTO records (kind, id, parent_id, name, body, created_at, updated_at, sync_id, deleted, sync_status,
        server_updated_at, last_sync_at, sync_error, change_seq, last_change)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 'synced', ?7, ?10, NULL, ?11, 'created remote')
    ON CONFLICT (kind, id) DO UPDATE SET parent_id = excluded.parent_id, name = excluded.name, body = excluded.body,
        created_at = excluded.created_at, updated_at = excluded.updated_at, sync_id = excluded.sync_id,
        deleted = excluded.deleted, sync_status = excluded.sync_status,
        server_updated_at = excluded.server_updated_at, last_sync_at = excluded.last_sync_at,
        sync_error = excluded.sync_error, change_seq = excluded.change_seq, last_change = excluded.last_change";

const WATERMARK: &str = "INSERT OR REPLACE INTO watermarks (kind, server_time) VALUES (?1, ?2)";

/// Writes a page of changes that are in memory already, and one watermark for each of `marks`.
pub(crate) fn apply(
    connection: &mut Connection,
    changes: &[WireChange],
    marks: &[&str],
    page: u32,
) -> Outcome {
    let now = RealSeam.now().to_string();
    let mut sorted: Vec<&WireChange> = changes.iter().collect();
    sorted.sort_by(|a, b| a.version.key.cmp(&b.version.key));
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    {
        let mut statement = transaction.prepare_cached(UPSERT)?;
        for change in sorted {
            let version = &change.version;
            statement.execute(params![
                version.key.kind.as_str(),
                version.key.id.as_str(),
                version.parent_id.as_ref().map(RecordId::as_str),
                version.name,
                serde_json::to_string(&version.body)?,
                version.created_at.map(|time| time.to_string()),
                version.updated_at.map(|time| time.to_string()),
                version.sync_id,
                version.deleted,
                now,
                page,
            ])?;
        }
        for mark in marks {
            transaction
                .prepare_cached(WATERMARK)?
                .execute([mark, now.as_str()])?;
        }
    }
    transaction.commit()?;
    Ok(())
}

/// A client that asks for everything.
pub(crate) struct Fetcher {
    http: reqwest::Client,
    url: String,
}

impl Fetcher {
    pub(crate) fn new(url: &str) -> Outcome<Self> {
        let http = reqwest::Client::builder()
            .no_proxy()
            .tls_backend_preconfigured(no_tls()?)
            .build()?;
        Ok(Self {
            http,
            url: url.to_owned(),
        })
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Outcome<Value> {
        let request = self
            .http
            .post(format!("{}{path}", self.url))
            .header("content-type", "application/json")
            .body(body.to_string());
        self.answer(request).await
    }

    pub(crate) async fn get(&self, path: &str) -> Outcome<Value> {
        self.answer(self.http.get(format!("{}{path}", self.url))).await
    }

    async fn answer(&self, request: reqwest::RequestBuilder) -> Outcome<Value> {
        let answer = request.bearer_auth(TOKEN).send().await?.error_for_status()?;
        Ok(serde_json::from_slice(&answer.bytes().await?)?)
    }

    /// Fetches every page and writes it down; how many records came.
    pub(crate) async fn first_sync(&self, connection: &mut Connection) -> Outcome<usize> {
        let mut request = SyncRequest {
            client_id: "by-hand".into(),
            last_sync: None,
            kinds: Kind::V1.to_vec(),
            include_deleted: true,
            state_digest: true,
        };
        let mut count = 0;
        for page in 0u32.. {
            let Value::Object(mut delta) = self.post(REQUEST_PATH, request.encode()).await? else {
                return Err("no delta".into());
            };
            let Some(Value::Array(changes)) = delta.remove("changes") else {
                return Err("no changes".into());
            };
            let server_time = delta
                .get("server_time")
                .and_then(Value::as_str)
                .unwrap_or_default();
            count += changes.len();
            write_page(connection, changes, server_time, page)?;
            request.last_sync = Timestamp::parse(server_time).ok();
            if delta.get("more") != Some(&Value::Bool(true)) {
                break;
            }
        }
        Ok(count)
    }
}

/// TLS settings that trust nobody, as the engine has them for plain HTTP: the
/// system's certificates need not be read.
fn no_tls() -> Outcome<rustls::ClientConfig> {
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    Ok(rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth())
}

fn write_page(connection: &mut Connection, changes: Vec<Value>, server_time: &str, page: u32) -> Outcome {
    let mut rows: Vec<(String, String, Map<String, Value>)> = Vec::new();
    for change in changes {
        let Value::Object(mut change) = change else {
            return Err("no change".into());
        };
        let (Some(Value::String(kind)), Some(Value::String(id)), Some(Value::Object(data))) = (
            change.remove("entity_type"),
            change.remove("entity_id"),
            change.remove("data"),
        ) else {
            return Err("a change without its fields".into());
        };
        rows.push((kind, id, data));
    }
    rows.sort_by(|a, b| (&a.0, &a.1).cmp(&(&b.0, &b.1)));
    let now = RealSeam.now().to_string();
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    {
        let mut statement = transaction.prepare_cached(UPSERT)?;
        for (kind, id, data) in rows {
            write_row(&mut statement, &kind, &id, data, &now, page)?;
        }
        let mut watermark = transaction.prepare_cached(WATERMARK)?;
        for kind in Kind::V1 {
            watermark.execute([kind.as_str(), server_time])?;
        }
    }
    transaction.commit()?;
    Ok(())
}

fn write_row(
    statement: &mut CachedStatement<'_>,
    kind: &str,
    id: &str,
    mut data: Map<String, Value>,
    now: &str,
    page: u32,
) -> Outcome {
    let mut text = |field: &str| match data.remove(field) {
        Some(Value::String(text)) => Some(text),
        _ => None,
    };
    let parent_field = match kind {
        "room" | "user" => "house_id",
        "device" => "room_id",
        "entity_state" => "device_id",
        "event" => "entity_id",
        _ => "",
    };
    let (parent, name, sync_id) = (text(parent_field), text("name"), text("sync_id"));
    let (created, updated) = (text("created_at"), text("updated_at"));
    let deleted = data.remove("is_deleted") == Some(Value::Bool(true));
    data.remove("id");
    statement.execute(params![
        kind,
        id,
        parent,
        name,
        serde_json::to_string(&data)?,
        created,
        updated,
        sync_id.unwrap_or_default(),
        deleted,
        now,
        page,
    ])?;
    Ok(())
}
