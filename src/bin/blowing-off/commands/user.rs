//! `user …`.

use wildthing::client::{NewUser, UserPatch, UserRole};
use wildthing::model::{Json, Kind, RecordId};

use super::patch::{extra, something};
use super::show;
use crate::app::App;
use crate::args::things::{UpdateOf, UserCommand, UserFields};
use crate::failure::Outcome;
use crate::ids;

const KIND: Kind = Kind::User;

pub(super) async fn run(app: App, command: UserCommand) -> Outcome {
    let out = &app.out;
    match command {
        UserCommand::List { house_id } => {
            let (users, parents) = app
                .with_client(async |client| {
                    let house_id = ids::optional(client, Kind::House, house_id.as_deref()).await?;
                    let users = client.get_users(house_id).await?;
                    Ok((users, show::parents(out, client, KIND).await?))
                })
                .await?;
            show::records(out, KIND, &users, &parents)
        }
        UserCommand::Show(one) => {
            let user = app
                .with_client(async |client| {
                    let id = ids::one(client, KIND, &one.id).await?;
                    Ok(client.get_user(id).await?)
                })
                .await?;
            show::record(out, &user)
        }
        UserCommand::Create {
            house_id,
            name,
            fields,
        } => {
            let user = app
                .with_client(async |client| {
                    let house_id = ids::one(client, Kind::House, &house_id).await?;
                    Ok(client.create_user(new_user(house_id, name, fields)).await?)
                })
                .await?;
            show::record(out, &user)
        }
        UserCommand::Update { of, house_id, fields } => {
            let mut patch = something(patch(&of, fields), house_id.is_some())?;
            let user = app
                .with_client(async |client| {
                    let id = ids::one(client, KIND, &of.id).await?;
                    patch.house_id = ids::optional(client, Kind::House, house_id.as_deref()).await?;
                    Ok(client.update_user(id, patch).await?)
                })
                .await?;
            show::record(out, &user)
        }
        UserCommand::Delete(one) => {
            let id = app
                .with_client(async |client| {
                    let id = ids::one(client, KIND, &one.id).await?;
                    client.delete_user(id.clone()).await?;
                    Ok(id)
                })
                .await?;
            show::deleted(out, KIND, &id)
        }
    }
}

fn new_user(house_id: RecordId, name: String, fields: UserFields) -> NewUser {
    NewUser {
        house_id,
        name,
        email: fields.email,
        role: fields.role.as_deref().map(UserRole::parse),
        preferences: fields.preferences.map(Json::Object),
    }
}

fn patch(of: &UpdateOf, fields: UserFields) -> UserPatch {
    UserPatch {
        name: of.name.clone(),
        email: fields.email,
        role: fields.role.as_deref().map(UserRole::parse),
        preferences: fields.preferences.map(Json::Object),
        extra: extra(of),
        ..UserPatch::default()
    }
}
