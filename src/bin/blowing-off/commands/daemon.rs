//! `sync-daemon`: syncs until it is told to stop, one line a sync.

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval, timeout};
use wildthing::client::types::ChangeEvent;
use wildthing::client::{Observed, WildThingClient};

use crate::app::{App, PATIENCE};
use crate::args::DaemonArgs;
use crate::config::Config;
use crate::failure::Outcome;
use crate::output::text::{clean, count};
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
    let mut changes = client.changes().events();
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
                    match event {
                        ChangeEvent::NeedsAuth { .. } => refused = true,
                        ChangeEvent::SyncCompleted { .. } => {
                            refused = false;
                            token = kept(app, client, token);
                        }
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

/// The token in use from here on. One that can't be saved is in use all the same.
fn kept(app: &App, client: &WildThingClient, token: Option<Secret>) -> Option<Secret> {
    match app.keep_token(client, token.as_ref()) {
        Ok(None) => token,
        Ok(fresh) => fresh,
        Err(failure) => {
            tracing::warn!(problem = %failure.message, "the fresh token can't be saved");
            token
        }
    }
}

/// The token that `connect` or `login` saved since, unless the environment rules.
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
    match describe(event) {
        None => Ok(()),
        Some(_) if app.out.is_json() => app.out.json_line(event),
        Some(line) => app.out.line(&clean(&line)),
    }
}

/// What there is to say of the end of a sync; `None` for any other event.
fn describe(event: &ChangeEvent) -> Option<String> {
    match event {
        ChangeEvent::SyncCompleted {
            pulled,
            pushed,
            conflicts,
            ..
        } => {
            let entities = count(pulled + pushed, "entity", "entities");
            let mut text = format!("synced {entities} ({pulled} pulled, {pushed} pushed)");
            if *conflicts > 0 {
                text.push_str(&format!(", {}", count(*conflicts, "conflict", "conflicts")));
            }
            Some(text)
        }
        ChangeEvent::SyncFailed { code, detail } if code == "needs_auth" => Some(format!(
            "sync failed: {detail}; run `blowing-off login` or `blowing-off connect --auth-token TOKEN`"
        )),
        ChangeEvent::SyncFailed { detail, .. } => Some(format!("sync failed: {detail}")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sync_is_one_line() {
        let completed = ChangeEvent::SyncCompleted {
            pulled: 1,
            pushed: 0,
            conflicts: 1,
            problems: 0,
        };
        assert_eq!(
            describe(&completed).as_deref(),
            Some("synced 1 entity (1 pulled, 0 pushed), 1 conflict")
        );
        let failed = ChangeEvent::SyncFailed {
            code: "offline".into(),
            detail: "offline: refused".into(),
        };
        assert_eq!(
            describe(&failed).as_deref(),
            Some("sync failed: offline: refused")
        );
        assert_eq!(describe(&ChangeEvent::SyncStarted), None);
    }
}
