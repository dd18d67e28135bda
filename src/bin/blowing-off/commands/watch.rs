//! `watch`: changes as they are committed, here or by another process.

use serde_json::json;
use wildthing::client::Observed;
use wildthing::client::types::ChangeEvent;

use crate::app::App;
use crate::failure::Outcome;
use crate::output::Out;
use crate::output::text::{clean, field};
use crate::signals::Stop;

pub(super) async fn run(app: App) -> Outcome {
    let mut stop = Stop::listen()?;
    app.with_client(async |client| {
        let mut changes = client.changes();
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
/// since the width of what comes later is not known.
fn describe(event: &ChangeEvent) -> String {
    let name = match event.data.get("record").and_then(|record| record.as_object()) {
        Some(record) => field(record, "name"),
        None => field(&event.data, "name"),
    };
    [
        event.event.as_str(),
        event.kind.as_deref().unwrap_or_default(),
        event.id.as_deref().unwrap_or_default(),
        &name,
        &event.origin,
    ]
    .map(clean)
    .join("\t")
}
