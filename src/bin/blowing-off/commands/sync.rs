//! `sync`: one exchange with the server, and what came of it.

use wildthing::client::types::{SyncProblem, SyncResult};
use wildthing::client::{Events, Observed, WildThingClient};

use crate::app::App;
use crate::failure::Outcome;
use crate::output::progress::Progress;
use crate::output::text::count;
use crate::signals::Stop;

pub(super) async fn run(app: App) -> Outcome {
    let result = app
        .with_client(async |client| {
            let token = app.token()?;
            app.connect_with(client, token.as_ref()).await?;
            let synced = sync(&app, client).await;
            // Also after a sync that failed: the old token may be over soon.
            app.keep_token(client, token.as_ref())?;
            synced
        })
        .await?;
    if app.out.is_json() {
        return app.out.json(&result);
    }
    app.out.line(&summary(&result))?;
    for problem in &result.errors {
        app.out.line(&describe(problem))?;
    }
    Ok(())
}

/// Syncs under a progress bar. A signal cancels in good order, so that the next
/// process need not wait for this one's lease to run out.
async fn sync(app: &App, client: &WildThingClient) -> Outcome<SyncResult> {
    let mut stop = Stop::listen()?;
    let progress = Progress::new(&app.out);
    let mut changes = progress.as_ref().map(|_| client.changes().events());
    let syncing = client.sync();
    tokio::pin!(syncing);
    let mut stopping = false;
    loop {
        tokio::select! {
            result = &mut syncing => return Ok(result?),
            Some(seen) = next(&mut changes) => {
                if let (Some(progress), Observed::Change(event)) = (&progress, seen) {
                    progress.show(&event);
                }
            }
            _ = stop.requested(), if !stopping => {
                stopping = true;
                client.cancel_sync();
            }
        }
    }
}

async fn next(changes: &mut Option<Events>) -> Option<Observed> {
    match changes {
        Some(changes) => changes.next().await,
        None => None,
    }
}

fn summary(result: &SyncResult) -> String {
    let mut text = format!(
        "Synced {} ({} pulled, {} pushed)",
        count(result.synced_entities, "entity", "entities"),
        result.pulled,
        result.pushed
    );
    if !result.conflicts.is_empty() {
        let conflicts = count(result.conflicts.len() as u64, "conflict", "conflicts");
        text.push_str(&format!(", {conflicts}; see `blowing-off conflicts list`"));
    }
    if !result.errors.is_empty() {
        let problems = count(result.errors.len() as u64, "problem", "problems");
        text.push_str(&format!(", {problems}:"));
    }
    text
}

fn describe(problem: &SyncProblem) -> String {
    let what = match &problem.id {
        Some(id) => format!("{} {id}", problem.kind),
        None => problem.kind.to_string(),
    };
    crate::output::text::clean(&format!("  {what}: {} ({})", problem.detail, problem.code))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_summary_counts_and_points_on() {
        let mut result = SyncResult {
            synced_entities: 12,
            pulled: 10,
            pushed: 2,
            conflicts: Vec::new(),
            conflicts_resolved: 0,
            errors: Vec::new(),
            duration: Duration::from_millis(3),
        };
        assert_eq!(summary(&result), "Synced 12 entities (10 pulled, 2 pushed)");
        result.errors.push(SyncProblem {
            kind: wildthing::model::Kind::Device,
            id: wildthing::model::RecordId::new("d1").ok(),
            code: "rejected".into(),
            detail: "too\nlarge".into(),
        });
        assert_eq!(
            summary(&result),
            "Synced 12 entities (10 pulled, 2 pushed), 1 problem:"
        );
        assert_eq!(describe(&result.errors[0]), "  device d1: too large (rejected)");
    }
}
