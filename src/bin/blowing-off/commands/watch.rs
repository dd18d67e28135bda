//! `watch`: changes as they are committed, here or by another process.

use serde_json::json;
use wildthing::client::{ChangeEvent, Observed, Origin};

use crate::app::App;
use crate::failure::Outcome;
use crate::output::Out;
use crate::output::text::clean;
use crate::signals::Stop;

pub(super) async fn run(app: App) -> Outcome {
    let mut stop = Stop::listen()?;
    app.with_client(async |client| {
        let mut changes = client.changes().events();
        app.out.note("watching; stop with Ctrl-C")?;
        loop {
            tokio::select! {
                asked = stop.requested() => return asked,
                seen = changes.next() => match seen {
                    Some(seen) => print(&app.out, &seen)?,
                    None => return Ok(()),
                },
            }
        }
    })
    .await
}

fn print(out: &Out, seen: &Observed) -> Outcome {
    match seen {
        Observed::Change(event) if out.is_json() => out.json_line(event),
        Observed::Change(event) => out.line(&describe(event)),
        Observed::Lagged(missed) if out.is_json() => {
            out.json_line(&json!({"event": "lagged", "missed": missed}))
        }
        Observed::Lagged(missed) => out.line(&format!("lagged\t{missed} changes came too fast to print")),
    }
}

/// Event, kind, id, name, origin: one line, tab-separated on a terminal too,
/// since the width of what comes later is not known. What an event lacks is left empty.
fn describe(event: &ChangeEvent) -> String {
    use ChangeEvent as E;
    let (kind, id, name, origin) = match event {
        E::Created {
            kind,
            id,
            origin,
            name,
        }
        | E::Updated {
            kind,
            id,
            origin,
            name,
        } => (kind.as_str(), id.as_str(), name.as_deref(), Some(origin)),
        E::Deleted { kind, id, origin } => (kind.as_str(), id.as_str(), None, Some(origin)),
        E::StateChanged { id, origin, .. } => ("entity_state", id.as_str(), None, Some(origin)),
        E::Conflict { kind, id, .. } => (kind.as_str(), id.as_str(), None, None),
        _ => ("", "", None, None),
    };
    let origin = match origin {
        Some(Origin::Local) => "local",
        Some(Origin::Remote) => "remote",
        None => "",
    };
    [event.word(), kind, id, name.unwrap_or_default(), origin]
        .map(clean)
        .join("\t")
}
