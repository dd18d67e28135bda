//! `pending`, `explain`, `retry`, `discard` and `reset`: what becomes of unsent edits.

use serde_json::json;
use wildthing::client::WildThingClient;
use wildthing::client::types::{Explanation, PendingChange};
use wildthing::model::{Key, Kind};

use crate::app::App;
use crate::args::care::{DiscardArgs, ExplainArgs, ResetArgs, RetryArgs};
use crate::failure::{Exit, Failure, Outcome};
use crate::ids;
use crate::output::columns;
use crate::output::text::{clean, count, moment};

pub(super) async fn pending(app: App) -> Outcome {
    let changes = app
        .with_client(async |client| Ok(client.pending_changes().await?))
        .await?;
    if app.out.is_json() {
        return app.out.json(&changes);
    }
    let rows: Vec<Vec<String>> = changes.iter().map(row).collect();
    let header = [
        "id",
        "kind",
        "name",
        "operation",
        "state",
        "attempts",
        "updated_at",
        "last_error",
    ];
    app.out.table(&header, &rows)
}

fn row(change: &PendingChange) -> Vec<String> {
    vec![
        change.id.to_string(),
        change.kind.to_string(),
        change.name.clone().unwrap_or_default(),
        change.operation.as_str().to_owned(),
        change.state.as_str().to_owned(),
        change.attempts.to_string(),
        moment(change.updated_at),
        change.last_error.clone().unwrap_or_default(),
    ]
}

pub(super) async fn explain(app: App, args: ExplainArgs) -> Outcome {
    let explanation = app
        .with_client(async |client| {
            let kind = args.which.kind.as_deref().map(Kind::parse);
            let Key { kind, id } = known(client, kind, &args.which.id).await?;
            Ok(client.explain(kind, id).await?)
        })
        .await?;
    if app.out.is_json() {
        return app.out.json(&explanation);
    }
    for line in &explanation.words {
        app.out.line(&clean(line))?;
    }
    app.out.pairs(&facts(&explanation))
}

/// A record among the living, or one that only an unsent deletion or the journal knows.
async fn known(client: &WildThingClient, kind: Option<Kind>, text: &str) -> Outcome<Key> {
    match ids::any(client, kind.clone(), text).await {
        Err(failure) if failure.code == "not_found" => {
            let pending = client.pending_changes().await?;
            if let Some(found) = ids::pending(&pending, kind.as_ref(), text)? {
                return Ok(found);
            }
            ids::journaled(&client.conflicts().await?, kind.as_ref(), text)?.ok_or(failure)
        }
        other => other,
    }
}

fn facts(explanation: &Explanation) -> Vec<(String, String)> {
    let mut facts = columns::pairs(&explanation.record);
    if let Some(pending) = &explanation.pending {
        let attempts = count(pending.attempts, "attempt", "attempts");
        let text = format!(
            "{} {}, {attempts}",
            pending.operation.as_str(),
            pending.state.as_str()
        );
        facts.push(("unsent edit".to_owned(), text));
        if let Some(error) = &pending.last_error {
            facts.push(("last error".to_owned(), error.clone()));
        }
    }
    if let Some(server) = &explanation.server {
        facts.extend(columns::nested("server", server));
    }
    for conflict in &explanation.conflicts {
        let text = format!("{} at {}", conflict.reason, moment(Some(conflict.recorded_at)));
        facts.push((format!("conflict {}", conflict.conflict_id), text));
    }
    if !explanation.history.is_empty() {
        facts.push((
            "earlier versions".to_owned(),
            explanation.history.len().to_string(),
        ));
    }
    facts
}

pub(super) async fn retry(app: App, args: RetryArgs) -> Outcome {
    let queued = app
        .with_client(async |client| {
            let (kind, id) = match &args.id {
                Some(text) => {
                    let kind = args.kind.as_deref().map(Kind::parse);
                    let key = unsent(client, kind, text).await?;
                    (Some(key.kind), Some(key.id))
                }
                None => (None, None),
            };
            Ok(client.retry_failed(kind, id).await?)
        })
        .await?;
    if app.out.is_json() {
        return app.out.json(&json!({"queued": queued}));
    }
    app.out.line(&match queued {
        0 => "there is no failed edit to queue".to_owned(),
        _ => format!("queued {} for the next sync", count(queued, "edit", "edits")),
    })
}

pub(super) async fn discard(app: App, args: DiscardArgs) -> Outcome {
    let Key { kind, id } = app
        .with_client(async |client| {
            let kind = args.which.kind.as_deref().map(Kind::parse);
            let found = unsent(client, kind, &args.which.id).await?;
            client.discard(found.kind.clone(), found.id.clone()).await?;
            Ok(found)
        })
        .await?;
    if app.out.is_json() {
        return app.out.json(&json!({"kind": kind, "id": id, "discarded": true}));
    }
    app.out.line(&format!(
        "discarded the unsent edit of {kind} {id}; `blowing-off conflicts list` shows it and can restore it"
    ))
}

/// The one unsent edit that `text` names.
async fn unsent(client: &WildThingClient, kind: Option<Kind>, text: &str) -> Outcome<Key> {
    let pending = client.pending_changes().await?;
    ids::pending(&pending, kind.as_ref(), text)?.ok_or_else(|| {
        Failure::new(
            Exit::Failed,
            "not_found",
            format!("{text:?} names no record with an unsent edit"),
            "`blowing-off pending` shows the unsent edits",
        )
    })
}

pub(super) async fn reset(app: App, args: ResetArgs) -> Outcome {
    app.with_client(async |client| Ok(client.reset(args.force).await?))
        .await?;
    if app.out.is_json() {
        return app.out.json(&json!({"reset": true}));
    }
    app.out
        .line("the local database is empty; `blowing-off sync` fetches the house again")
}
