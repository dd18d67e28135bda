//! `event …`.

use wildthing::client::inputs::NewEvent;

use super::show;
use crate::app::App;
use crate::args::things::{EventArgs, EventCommand};
use crate::failure::Outcome;
use crate::ids;

const KIND: &str = "event";

pub(super) async fn run(app: App, command: EventCommand) -> Outcome {
    match command {
        EventCommand::List { entity_id, limit } => {
            let events = app
                .with_client(async |client| {
                    let about = match entity_id {
                        Some(text) => Some(ids::any(client, None, &text).await?.1),
                        None => None,
                    };
                    Ok(client.get_events(about, limit).await?)
                })
                .await?;
            show::records(&app.out, KIND, &events, &show::Parents::new())
        }
        EventCommand::Log(args) => log(app, args).await,
    }
}

async fn log(app: App, args: EventArgs) -> Outcome {
    let event = app
        .with_client(async |client| {
            let (entity_type, entity_id) =
                ids::any(client, args.entity_type.as_deref(), &args.entity_id).await?;
            let user_id = ids::optional(client, "user", args.user_id.as_deref()).await?;
            let event = NewEvent {
                event_type: args.event_type,
                entity_type,
                entity_id,
                description: args.description,
                data: args.data,
                source: args.source,
                user_id,
            };
            Ok(client.log_event(event).await?)
        })
        .await?;
    show::record(&app.out, &event)
}
