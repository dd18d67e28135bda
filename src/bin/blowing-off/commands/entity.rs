//! `entity …` and `search`.

use wildthing::client::{Entity, EntityPatch, NewEntity, SearchHit};
use wildthing::model::{JsonObject, Key};

use super::show;
use crate::app::App;
use crate::args::graph::{EntityCommand, EntityUpdate, SearchArgs};
use crate::args::values::Object;
use crate::failure::{Failure, Outcome};
use crate::ids;
use crate::output::Out;
use crate::output::columns::nested;
use crate::output::text::moment;

pub(super) async fn run(app: App, command: EntityCommand) -> Outcome {
    let out = &app.out;
    match command {
        EntityCommand::List { entity_type } => {
            let entities = app
                .with_client(async |client| Ok(client.get_entities(entity_type).await?))
                .await?;
            list(out, &entities)
        }
        EntityCommand::Show(one) => {
            let entity = app
                .with_client(async |client| {
                    let Key { kind, id } = ids::entity(client, &one.id).await?;
                    let entity_type = kind.entity_type().unwrap_or(kind.as_str()).to_owned();
                    Ok(client.get_entity(id, Some(entity_type)).await?)
                })
                .await?;
            shown(out, &entity)
        }
        EntityCommand::Create(new) => {
            let new = NewEntity {
                entity_type: new.entity_type,
                name: new.name,
                content: Object::read(new.content)?,
                source_type: new.source_type,
            };
            let entity = app
                .with_client(async |client| Ok(client.create_entity(new).await?))
                .await?;
            shown(out, &entity)
        }
        EntityCommand::Update(update) => {
            let text = update.id.clone();
            let patch = patch(update)?;
            let entity = app
                .with_client(async |client| {
                    let id = ids::entity(client, &text).await?.id;
                    Ok(client.update_entity(id, patch).await?)
                })
                .await?;
            shown(out, &entity)
        }
        EntityCommand::Delete(one) => {
            let key = app
                .with_client(async |client| {
                    let key = ids::entity(client, &one.id).await?;
                    client.delete_entity(key.id.clone()).await?;
                    Ok(key)
                })
                .await?;
            show::deleted(out, key.kind, &key.id)
        }
    }
}

fn patch(update: EntityUpdate) -> Outcome<EntityPatch> {
    let set: JsonObject = update.set.into_iter().collect();
    let patch = EntityPatch {
        name: update.name,
        content: match set.is_empty() {
            true => Object::read(update.content)?,
            false => Some(set),
        },
        replace: update.replace,
        source_type: update.source_type,
    };
    if patch == EntityPatch::default() {
        return Err(Failure::usage(
            "there is nothing to change",
            "give --name, --content JSON or --set FIELD=JSON; see --help",
        ));
    }
    Ok(patch)
}

fn list(out: &Out, entities: &[Entity]) -> Outcome {
    if out.is_json() {
        return out.json(&entities);
    }
    let rows: Vec<Vec<String>> = entities
        .iter()
        .map(|entity| {
            vec![
                entity.id.to_string(),
                entity.entity_type.clone(),
                entity.name.clone(),
                entity.sync_status.as_str().to_owned(),
            ]
        })
        .collect();
    out.table(&["id", "type", "name", "sync_status"], &rows)
}

fn shown(out: &Out, entity: &Entity) -> Outcome {
    if out.is_json() {
        return out.json(entity);
    }
    let mut pairs = vec![
        ("id".to_owned(), entity.id.to_string()),
        ("entity_type".to_owned(), entity.entity_type.clone()),
        ("name".to_owned(), entity.name.clone()),
    ];
    pairs.extend(nested("content", &entity.content));
    pairs.extend(nested("extra", &entity.extra));
    let optional = [
        ("source_type", &entity.source_type),
        ("user_id", &entity.user_id),
        ("checksum", &entity.checksum),
    ];
    for (name, text) in optional {
        pairs.extend(text.clone().map(|text| (name.to_owned(), text)));
    }
    pairs.push(("version".to_owned(), entity.version.clone()));
    pairs.push(("updated_at".to_owned(), moment(entity.updated_at)));
    pairs.push(("sync_status".to_owned(), entity.sync_status.as_str().to_owned()));
    out.pairs(&pairs)
}

pub(super) async fn search(app: App, args: SearchArgs) -> Outcome {
    let out = &app.out;
    let types = (!args.types.is_empty()).then_some(args.types);
    let hits = app
        .with_client(async |client| Ok(client.search(args.words.join(" "), types, args.limit).await?))
        .await?;
    if out.is_json() {
        return out.json(&hits);
    }
    let row = |hit: &SearchHit| {
        let line: Vec<&str> = hit.snippet.split_whitespace().collect();
        vec![
            hit.entity.id.to_string(),
            hit.entity.entity_type.clone(),
            hit.entity.name.clone(),
            line.join(" "),
        ]
    };
    let rows: Vec<Vec<String>> = hits.iter().map(row).collect();
    out.table(&["id", "type", "name", "found"], &rows)
}
