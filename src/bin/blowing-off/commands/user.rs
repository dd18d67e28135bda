//! `user …`.

use wildthing::client::inputs::NewUser;

use super::patch::Changes;
use super::show;
use crate::app::App;
use crate::args::things::{UpdateOf, UserCommand, UserFields};
use crate::failure::Outcome;
use crate::ids;

const KIND: &str = "user";

pub(super) async fn run(app: App, command: UserCommand) -> Outcome {
    let out = &app.out;
    match command {
        UserCommand::List { house_id } => {
            let (users, parents) = app
                .with_client(async |client| {
                    let house_id = ids::optional(client, "house", house_id.as_deref()).await?;
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
                    let house_id = ids::one(client, "house", &house_id).await?;
                    Ok(client.create_user(new_user(house_id, name, fields)).await?)
                })
                .await?;
            show::record(out, &user)
        }
        UserCommand::Update { of, house_id, fields } => {
            let mut changes = changes(&of, fields);
            // Told now if there is nothing to change; the house is looked up later.
            changes.set("house_id", house_id.clone());
            let mut patch = changes.finish()?;
            let user = app
                .with_client(async |client| {
                    let id = ids::one(client, KIND, &of.id).await?;
                    if let Some(house_id) = ids::optional(client, "house", house_id.as_deref()).await? {
                        patch.insert("house_id".into(), house_id.into());
                    }
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

fn new_user(house_id: String, name: String, fields: UserFields) -> NewUser {
    NewUser {
        house_id,
        name,
        email: fields.email,
        role: fields.role,
        preferences: fields.preferences,
    }
}

fn changes(of: &UpdateOf, fields: UserFields) -> Changes {
    let mut changes = Changes::new(of);
    changes
        .set("email", fields.email)
        .set("role", fields.role)
        .set("preferences", fields.preferences);
    changes
}
