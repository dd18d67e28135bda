//! `device …`, the state of devices included.

use serde_json::Value;
use wildthing::client::{DevicePatch, DeviceState, DeviceType, NewDevice};
use wildthing::model::{Json, Kind, RecordId};

use super::patch::{extra, something};
use super::show;
use crate::app::App;
use crate::args::things::{DeviceCommand, DeviceFields, UpdateOf};
use crate::failure::Outcome;
use crate::ids;
use crate::output::Out;
use crate::output::text::moment;

const KIND: Kind = Kind::Device;

pub(super) async fn run(app: App, command: DeviceCommand) -> Outcome {
    let out = &app.out;
    match command {
        DeviceCommand::List { room_id } => {
            let (devices, parents) = app
                .with_client(async |client| {
                    let room_id = ids::optional(client, Kind::Room, room_id.as_deref()).await?;
                    let devices = client.get_devices(room_id).await?;
                    Ok((devices, show::parents(out, client, KIND).await?))
                })
                .await?;
            show::records(out, KIND, &devices, &parents)
        }
        DeviceCommand::Show(one) => {
            let device = app
                .with_client(async |client| {
                    let id = ids::one(client, KIND, &one.id).await?;
                    Ok(client.get_device(id).await?)
                })
                .await?;
            show::record(out, &device)
        }
        DeviceCommand::Create {
            room_id,
            name,
            fields,
        } => {
            let device = app
                .with_client(async |client| {
                    let room_id = ids::one(client, Kind::Room, &room_id).await?;
                    Ok(client.create_device(new_device(room_id, name, fields)).await?)
                })
                .await?;
            show::record(out, &device)
        }
        DeviceCommand::Update { of, room_id, fields } => {
            let mut patch = something(patch(&of, fields), room_id.is_some())?;
            let device = app
                .with_client(async |client| {
                    let id = ids::one(client, KIND, &of.id).await?;
                    patch.room_id = ids::optional(client, Kind::Room, room_id.as_deref()).await?;
                    Ok(client.update_device(id, patch).await?)
                })
                .await?;
            show::record(out, &device)
        }
        DeviceCommand::Delete(one) => {
            let id = app
                .with_client(async |client| {
                    let id = ids::one(client, KIND, &one.id).await?;
                    client.delete_device(id.clone()).await?;
                    Ok(id)
                })
                .await?;
            show::deleted(out, KIND, &id)
        }
        DeviceCommand::State(one) => {
            let state = app
                .with_client(async |client| {
                    let id = ids::one(client, KIND, &one.id).await?;
                    Ok(client.get_device_state(id).await?)
                })
                .await?;
            show::state(out, &state)
        }
        DeviceCommand::SetState {
            id,
            state,
            attributes,
            replace,
        } => {
            let state = app
                .with_client(async |client| {
                    let id = ids::one(client, KIND, &id).await?;
                    Ok(client.update_device_state(id, state, attributes, replace).await?)
                })
                .await?;
            show::state(out, &state)
        }
        DeviceCommand::History { id, limit } => {
            let states = app
                .with_client(async |client| {
                    let id = ids::one(client, KIND, &id).await?;
                    Ok(client.get_device_history(id, limit).await?)
                })
                .await?;
            history(out, &states)
        }
    }
}

fn history(out: &Out, states: &[DeviceState]) -> Outcome {
    if out.is_json() {
        return out.json(&states);
    }
    let rows: Vec<Vec<String>> = states
        .iter()
        .map(|state| {
            vec![
                moment(state.updated_at),
                Value::Object(state.state.clone()).to_string(),
                state.sync_status.as_str().to_owned(),
            ]
        })
        .collect();
    out.table(&["updated_at", "values", "sync_status"], &rows)
}

fn new_device(room_id: RecordId, name: String, fields: DeviceFields) -> NewDevice {
    NewDevice {
        room_id,
        name,
        device_type: fields.device_type.as_deref().map(DeviceType::parse),
        manufacturer: fields.manufacturer,
        model: fields.model,
        capabilities: fields.capabilities.map(Json::Object),
        configuration: fields.configuration.map(Json::Object),
        ip_address: fields.ip_address,
        mac_address: fields.mac_address,
    }
}

fn patch(of: &UpdateOf, fields: DeviceFields) -> DevicePatch {
    DevicePatch {
        name: of.name.clone(),
        device_type: fields.device_type.as_deref().map(DeviceType::parse),
        manufacturer: fields.manufacturer,
        model: fields.model,
        capabilities: fields.capabilities.map(Json::Object),
        configuration: fields.configuration.map(Json::Object),
        ip_address: fields.ip_address,
        mac_address: fields.mac_address,
        extra: extra(of),
        ..DevicePatch::default()
    }
}
