//! `conflicts …`: edits that lost or were refused, until they are dismissed.

use serde_json::json;
use wildthing::client::WildThingClient;
use wildthing::client::types::{Conflict, Loser};

use super::show;
use crate::app::App;
use crate::args::care::{ConflictsCommand, DismissArgs};
use crate::failure::{Failure, Outcome};
use crate::output::Out;
use crate::output::text::{count, field, moment};

pub(super) async fn run(app: App, command: ConflictsCommand) -> Outcome {
    match command {
        ConflictsCommand::List => {
            let conflicts = app
                .with_client(async |client| Ok(client.conflicts().await?))
                .await?;
            list(&app.out, &conflicts)
        }
        ConflictsCommand::Show { conflict_id } => {
            let conflict = app
                .with_client(async |client| find(client, conflict_id).await)
                .await?;
            show(&app.out, &conflict)
        }
        ConflictsCommand::Restore { conflict_id } => {
            let record = app
                .with_client(async |client| Ok(client.restore(conflict_id).await?))
                .await?;
            show::record(&app.out, &record)
        }
        ConflictsCommand::Dismiss(args) => dismiss(app, args).await,
    }
}

async fn find(client: &WildThingClient, conflict_id: i64) -> Outcome<Conflict> {
    let conflicts = client.conflicts().await?;
    conflicts
        .into_iter()
        .find(|conflict| conflict.conflict_id == conflict_id)
        .ok_or_else(|| Failure::not_found("conflict", &conflict_id.to_string()))
}

async fn dismiss(app: App, args: DismissArgs) -> Outcome {
    let dismissed = app
        .with_client(async |client| {
            let known: Vec<i64> = client
                .conflicts()
                .await?
                .iter()
                .map(|conflict| conflict.conflict_id)
                .collect();
            let wanted = if args.all {
                known.clone()
            } else {
                args.conflict_ids
            };
            // All are looked at before one is forgotten.
            if let Some(unknown) = wanted.iter().find(|id| !known.contains(id)) {
                return Err(Failure::not_found("conflict", &unknown.to_string()));
            }
            for id in &wanted {
                client.dismiss(*id).await?;
            }
            Ok(wanted)
        })
        .await?;
    if app.out.is_json() {
        return app.out.json(&json!({"dismissed": dismissed}));
    }
    app.out.line(&format!(
        "dismissed {}",
        count(dismissed.len() as u64, "conflict", "conflicts")
    ))
}

fn list(out: &Out, conflicts: &[Conflict]) -> Outcome {
    if out.is_json() {
        return out.json(&conflicts);
    }
    let rows: Vec<Vec<String>> = conflicts
        .iter()
        .map(|conflict| {
            vec![
                conflict.conflict_id.to_string(),
                conflict.kind.to_string(),
                conflict.id.to_string(),
                field(&conflict.losing, "name"),
                conflict.reason.clone(),
                conflict.loser.as_str().to_owned(),
                moment(conflict.losing_time),
                moment(conflict.recorded_at.into()),
            ]
        })
        .collect();
    out.table(
        &[
            "number",
            "kind",
            "id",
            "name",
            "reason",
            "lost",
            "edited_at",
            "recorded_at",
        ],
        &rows,
    )
}

fn show(out: &Out, conflict: &Conflict) -> Outcome {
    if out.is_json() {
        return out.json(conflict);
    }
    let whose = match conflict.loser {
        Loser::Local => "an edit made here",
        Loser::Remote => "an edit made elsewhere",
    };
    out.pairs(&[
        ("number".to_owned(), conflict.conflict_id.to_string()),
        ("record".to_owned(), format!("{} {}", conflict.kind, conflict.id)),
        ("lost".to_owned(), whose.to_owned()),
        ("reason".to_owned(), conflict.reason.clone()),
        ("lost edit made".to_owned(), moment(conflict.losing_time)),
        ("kept edit made".to_owned(), moment(conflict.winning_time)),
        ("recorded".to_owned(), moment(Some(conflict.recorded_at))),
    ])?;
    out.line("")?;
    out.table(&["field", "lost", "kept"], &differences(conflict))
}

/// The fields in which the two versions differ.
fn differences(conflict: &Conflict) -> Vec<Vec<String>> {
    let empty = Default::default();
    let winning = conflict.winning.as_ref().unwrap_or(&empty);
    let mut names: Vec<&String> = conflict.losing.keys().chain(winning.keys()).collect();
    names.sort();
    names.dedup();
    names
        .into_iter()
        .filter(|name| conflict.losing.get(*name) != winning.get(*name))
        .map(|name| vec![name.clone(), field(&conflict.losing, name), field(winning, name)])
        .collect()
}
