//! `room …`.

use wildthing::client::inputs::NewRoom;

use super::patch::Changes;
use super::show;
use crate::app::App;
use crate::args::things::{RoomCommand, RoomFields, UpdateOf};
use crate::failure::Outcome;
use crate::ids;

const KIND: &str = "room";

pub(super) async fn run(app: App, command: RoomCommand) -> Outcome {
    let out = &app.out;
    match command {
        RoomCommand::List { house_id } => {
            let (rooms, parents) = app
                .with_client(async |client| {
                    let house_id = ids::optional(client, "house", house_id.as_deref()).await?;
                    let rooms = client.get_rooms(house_id).await?;
                    Ok((rooms, show::parents(out, client, KIND).await?))
                })
                .await?;
            show::records(out, KIND, &rooms, &parents)
        }
        RoomCommand::Show(one) => {
            let room = app
                .with_client(async |client| {
                    let id = ids::one(client, KIND, &one.id).await?;
                    Ok(client.get_room(id).await?)
                })
                .await?;
            show::record(out, &room)
        }
        RoomCommand::Create {
            house_id,
            name,
            fields,
        } => {
            let room = app
                .with_client(async |client| {
                    let house_id = ids::one(client, "house", &house_id).await?;
                    Ok(client.create_room(new_room(house_id, name, fields)).await?)
                })
                .await?;
            show::record(out, &room)
        }
        RoomCommand::Update { of, house_id, fields } => {
            let mut changes = changes(&of, fields);
            // Told now if there is nothing to change; the house is looked up later.
            changes.set("house_id", house_id.clone());
            let mut patch = changes.finish()?;
            let room = app
                .with_client(async |client| {
                    let id = ids::one(client, KIND, &of.id).await?;
                    if let Some(house_id) = ids::optional(client, "house", house_id.as_deref()).await? {
                        patch.insert("house_id".into(), house_id.into());
                    }
                    Ok(client.update_room(id, patch).await?)
                })
                .await?;
            show::record(out, &room)
        }
        RoomCommand::Delete(one) => {
            let id = app
                .with_client(async |client| {
                    let id = ids::one(client, KIND, &one.id).await?;
                    client.delete_room(id.clone()).await?;
                    Ok(id)
                })
                .await?;
            show::deleted(out, KIND, &id)
        }
    }
}

fn new_room(house_id: String, name: String, fields: RoomFields) -> NewRoom {
    NewRoom {
        house_id,
        name,
        floor: fields.floor,
        room_type: fields.room_type,
        settings: fields.settings,
    }
}

fn changes(of: &UpdateOf, fields: RoomFields) -> Changes {
    let mut changes = Changes::new(of);
    changes
        .set("floor", fields.floor)
        .set("room_type", fields.room_type)
        .set("settings", fields.settings);
    changes
}
