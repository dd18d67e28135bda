//! `event …`.

use wildthing::client::NewEvent;
use wildthing::model::{Json, Kind};

use super::show;
use crate::app::App;
use crate::args::things::{EventArgs, EventCommand};
use crate::failure::Outcome;
use crate::ids;

const KIND: Kind = Kind::Event;

pub(super) async fn run(app: App, command: EventCommand) -> Outcome {
    match command {
        EventCommand::List { entity_id, limit } => {
            let events = app
                .with_client(async |client| {
                    let about = match entity_id {
                        Some(text) => Some(ids::any(client, None, &text).await?.id),
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
            let kind = args.entity_type.as_deref().map(Kind::parse);
            let about = ids::any(client, kind, &args.entity_id).await?;
            let user_id = ids::optional(client, Kind::User, args.user_id.as_deref()).await?;
            let event = NewEvent {
                event_type: args.event_type,
                entity_type: about.kind,
                entity_id: about.id,
                description: args.description,
                data: args.data.map(Json::Object),
                source: args.source,
                user_id: user_id.map(|id| id.to_string()),
            };
            Ok(client.log_event(event).await?)
        })
        .await?;
    show::record(&app.out, &event)
}
