//! `room …`.

use wildthing::client::{NewRoom, RoomPatch};
use wildthing::model::{Json, Kind, RecordId};

use super::patch::{extra, something};
use super::show;
use crate::app::App;
use crate::args::things::{RoomCommand, RoomFields, UpdateOf};
use crate::failure::Outcome;
use crate::ids;

const KIND: Kind = Kind::Room;

pub(super) async fn run(app: App, command: RoomCommand) -> Outcome {
    let out = &app.out;
    match command {
        RoomCommand::List { house_id } => {
            let (rooms, parents) = app
                .with_client(async |client| {
                    let house_id = ids::optional(client, Kind::House, house_id.as_deref()).await?;
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
                    let house_id = ids::one(client, Kind::House, &house_id).await?;
                    Ok(client.create_room(new_room(house_id, name, fields)).await?)
                })
                .await?;
            show::record(out, &room)
        }
        RoomCommand::Update { of, house_id, fields } => {
            let mut patch = something(patch(&of, fields), house_id.is_some())?;
            let room = app
                .with_client(async |client| {
                    let id = ids::one(client, KIND, &of.id).await?;
                    patch.house_id = ids::optional(client, Kind::House, house_id.as_deref()).await?;
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

fn new_room(house_id: RecordId, name: String, fields: RoomFields) -> NewRoom {
    NewRoom {
        house_id,
        name,
        floor: fields.floor,
        room_type: fields.room_type,
        settings: fields.settings.map(Json::Object),
    }
}

fn patch(of: &UpdateOf, fields: RoomFields) -> RoomPatch {
    RoomPatch {
        name: of.name.clone(),
        floor: fields.floor,
        room_type: fields.room_type,
        settings: fields.settings.map(Json::Object),
        extra: extra(of),
        ..RoomPatch::default()
    }
}
