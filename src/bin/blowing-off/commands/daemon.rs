//! `sync-daemon`: syncs until it is told to stop, one line a sync.

use std::time::Duration;

use serde_json::Value;
use tokio::time::{MissedTickBehavior, interval, timeout};
use wildthing::client::types::ChangeEvent;
use wildthing::client::{Observed, WildThingClient};

use crate::app::{App, PATIENCE};
use crate::args::DaemonArgs;
use crate::config::Config;
use crate::failure::Outcome;
use crate::output::text::{clean, count, plain};
use crate::secret::Secret;
use crate::signals::Stop;

pub(super) async fn run(app: App, args: DaemonArgs) -> Outcome {
    let mut stop = Stop::listen()?;
    let period = Duration::from_secs(args.interval);
    app.with_client(async |client| {
        app.connect(client).await?;
        let outcome = watch_syncs(&app, client, period, &mut stop).await;
        let _ = timeout(PATIENCE, client.stop_background_sync()).await;
        outcome
    })
    .await
}

async fn watch_syncs(app: &App, client: &WildThingClient, period: Duration, stop: &mut Stop) -> Outcome {
    // Listening starts first, so that the first sync is not missed.
    let mut changes = client.changes();
    client.start_background_sync(period).await?;
    let mut refused = false;
    let mut look_again = interval(period);
    look_again.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut token = app.token()?;
    loop {
        tokio::select! {
            asked = stop.requested() => return asked,
            seen = changes.next() => match seen {
                Some(Observed::Change(event)) => {
                    match event.event.as_str() {
                        "needs_auth" => refused = true,
                        "sync_completed" => refused = false,
                        _ => {}
                    }
                    print(app, &event)?;
                }
                Some(Observed::Lagged(_)) => {}
                None => return Ok(()),
            },
            _ = look_again.tick(), if refused => {
                if let Some(new) = newer_token(app, token.as_ref())? {
                    // A token that can't be used is no reason to end: the next one saved may do.
                    if let Err(error) = client.set_auth_token(Some(new.reveal().to_owned())) {
                        tracing::warn!(%error, "the saved token can't be used");
                    }
                    token = Some(new);
                }
            }
        }
    }
}

/// The token that `connect` saved since, unless the environment rules.
fn newer_token(app: &App, known: Option<&Secret>) -> Outcome<Option<Secret>> {
    if Secret::from_environment()?.is_some() {
        return Ok(None);
    }
    // A config that is unreadable just now is looked at again next time.
    let saved = Config::load(app.config.path())
        .ok()
        .and_then(|config| config.auth_token());
    Ok(saved.filter(|saved| Some(saved) != known))
}

fn print(app: &App, event: &ChangeEvent) -> Outcome {
    // Every sync that starts ends in one of these two: one line a sync.
    if !matches!(event.event.as_str(), "sync_completed" | "sync_failed") {
        return Ok(());
    }
    if app.out.is_json() {
        return app.out.json_line(event);
    }
    app.out.line(&clean(&describe(event)))
}

fn describe(event: &ChangeEvent) -> String {
    let number = |name: &str| match event.data.get(name) {
        Some(Value::Array(items)) => items.len() as u64,
        Some(value) => value.as_u64().unwrap_or(0),
        None => 0,
    };
    let reason = ["error", "detail", "message", "code"]
        .iter()
        .find_map(|name| event.data.get(*name).map(plain))
        .unwrap_or_else(|| "no reason is known".to_owned());
    match event.event.as_str() {
        "sync_completed" => {
            let (pulled, pushed) = (number("pulled"), number("pushed"));
            let entities = count(pulled + pushed, "entity", "entities");
            let mut text = format!("synced {entities} ({pulled} pulled, {pushed} pushed)");
            match number("conflicts") {
                0 => {}
                conflicts => text.push_str(&format!(", {}", count(conflicts, "conflict", "conflicts"))),
            }
            text
        }
        _ if event.data.get("code").map(plain).as_deref() == Some("needs_auth") => {
            format!("sync failed: {reason}; run `blowing-off connect --auth-token TOKEN`")
        }
        _ => format!("sync failed: {reason}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sync_is_one_line() {
        let event = |event: &str, data: Value| ChangeEvent {
            event: event.into(),
            kind: None,
            id: None,
            origin: "local".into(),
            data: data.as_object().cloned().unwrap_or_default(),
        };
        let completed = event(
            "sync_completed",
            serde_json::json!({"pulled": 1, "pushed": 0, "conflicts": [{}]}),
        );
        assert_eq!(
            describe(&completed),
            "synced 1 entity (1 pulled, 0 pushed), 1 conflict"
        );
        let failed = event(
            "sync_failed",
            serde_json::json!({"code": "offline", "error": "offline: refused"}),
        );
        assert_eq!(describe(&failed), "sync failed: offline: refused");
    }
}
