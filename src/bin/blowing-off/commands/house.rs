//! `house …`.

use wildthing::client::{HousePatch, NewHouse};
use wildthing::model::{Json, Kind};

use super::patch::{extra, something};
use super::show;
use crate::app::App;
use crate::args::things::{HouseCommand, HouseFields, UpdateOf};
use crate::failure::Outcome;
use crate::ids;

const KIND: Kind = Kind::House;

pub(super) async fn run(app: App, command: HouseCommand) -> Outcome {
    let out = &app.out;
    match command {
        HouseCommand::List => {
            let houses = app
                .with_client(async |client| Ok(client.get_houses().await?))
                .await?;
            show::records(out, KIND, &houses, &show::Parents::new())
        }
        HouseCommand::Show { id } => {
            let house = app
                .with_client(async |client| {
                    let id = ids::optional(client, KIND, id.as_deref()).await?;
                    Ok(client.get_house(id).await?)
                })
                .await?;
            show::record(out, &house)
        }
        HouseCommand::Create { name, fields } => {
            let new = new_house(name, fields);
            let house = app
                .with_client(async |client| Ok(client.create_house(new).await?))
                .await?;
            show::record(out, &house)
        }
        HouseCommand::Update { of, fields } => {
            let patch = patch(&of, fields)?;
            let house = app
                .with_client(async |client| {
                    let id = ids::one(client, KIND, &of.id).await?;
                    Ok(client.update_house(id, patch).await?)
                })
                .await?;
            show::record(out, &house)
        }
        HouseCommand::Delete(one) => {
            let id = app
                .with_client(async |client| {
                    let id = ids::one(client, KIND, &one.id).await?;
                    client.delete_house(id.clone()).await?;
                    Ok(id)
                })
                .await?;
            show::deleted(out, KIND, &id)
        }
    }
}

fn new_house(name: String, fields: HouseFields) -> NewHouse {
    NewHouse {
        name,
        address: fields.address,
        latitude: fields.latitude,
        longitude: fields.longitude,
        timezone: fields.timezone,
        settings: fields.settings.map(Json::Object),
    }
}

fn patch(of: &UpdateOf, fields: HouseFields) -> Outcome<HousePatch> {
    let patch = HousePatch {
        name: of.name.clone(),
        address: fields.address,
        latitude: fields.latitude,
        longitude: fields.longitude,
        timezone: fields.timezone,
        settings: fields.settings.map(Json::Object),
        extra: extra(of),
        ..HousePatch::default()
    };
    something(patch, false)
}
