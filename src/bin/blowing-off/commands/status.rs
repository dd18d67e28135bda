//! `status`: the server, the last sync, and what waits to be sent.

use serde_json::Value;
use wildthing::client::types::{Protocol, SyncStatus};
use wildthing::model::Timestamp;

use crate::app::App;
use crate::failure::Outcome;
use crate::output::text::moment;

pub(super) async fn run(app: App) -> Outcome {
    let mut state = app
        .with_client(async |client| Ok(client.get_sync_status().await?))
        .await?;
    if state.server_url.is_none() {
        state.server_url = app.config.server_url().map(str::to_owned);
    }
    if app.out.is_json() {
        let mut value = serde_json::to_value(&state).unwrap_or_default();
        if let Value::Object(object) = &mut value {
            let database = app.config.database();
            object.insert("db_path".into(), database.to_string_lossy().into_owned().into());
        }
        return app.out.json(&value);
    }
    app.out.pairs(&lines(&app, &state))
}

fn lines(app: &App, state: &SyncStatus) -> Vec<(String, String)> {
    let mut lines = Vec::new();
    let mut line = |name: &str, value: String| lines.push((name.to_owned(), value));
    let or_never = |time: Option<Timestamp>| match time {
        Some(time) => moment(Some(time)),
        None => "never".to_owned(),
    };
    let none = || "none; run `blowing-off connect`".to_owned();
    line("server", state.server_url.clone().unwrap_or_else(none));
    line(
        "protocol",
        match state.protocol {
            Protocol::Auto => "not known yet; the first sync asks the server".to_owned(),
            known => known.as_str().to_owned(),
        },
    );
    line("client", state.client_id.clone());
    line("database", app.config.database().to_string_lossy().into_owned());
    line("last sync", or_never(state.last_sync_success));
    line("server time", or_never(state.last_sync_time));
    if let Some(agrees) = state.digest_agrees {
        let words = if agrees {
            "the same as the server"
        } else {
            "not the same as the server"
        };
        line("digest", format!("{words}, {}", moment(state.digest_checked_at)));
    }
    if state.sync_in_progress {
        line("syncing", "now".to_owned());
    }
    if let Some(error) = &state.last_sync_error {
        line("last error", error.clone());
        line("failures since", state.sync_failures.to_string());
    }
    if state.next_retry_time.is_some() {
        line("next try", moment(state.next_retry_time));
    }
    line("syncs", state.total_syncs.to_string());
    line("pending", state.pending.to_string());
    line("failed", state.failed.to_string());
    line("conflicts", state.conflicts.to_string());
    for (kind, number) in &state.counts {
        line(&format!("{kind} records"), number.to_string());
    }
    lines
}
