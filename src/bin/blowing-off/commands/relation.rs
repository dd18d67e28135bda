//! `relation …` and `path`.

use std::collections::BTreeMap;

use serde_json::Value;
use wildthing::client::{GraphPath, Relationship, RelationshipFilter, WildThingClient};
use wildthing::model::{Kind, RecordId};

use super::show;
use crate::app::App;
use crate::args::graph::{PathArgs, RelationCommand};
use crate::args::values::Object;
use crate::failure::{Exit, Failure, Outcome};
use crate::ids;
use crate::output::Out;
use crate::output::columns::nested;
use crate::output::text::moment;

pub(super) async fn run(app: App, command: RelationCommand) -> Outcome {
    let out = &app.out;
    match command {
        RelationCommand::List {
            from,
            to,
            of,
            relationship_type,
        } => {
            let (edges, names) = app
                .with_client(async |client| {
                    let filter = RelationshipFilter {
                        from_id: end(client, from.as_deref()).await?,
                        to_id: end(client, to.as_deref()).await?,
                        entity_id: end(client, of.as_deref()).await?,
                        relationship_type,
                    };
                    let edges = client.get_relationships(Some(filter)).await?;
                    Ok((edges, names(out, client).await?))
                })
                .await?;
            list(out, &edges, &names)
        }
        RelationCommand::Add {
            from,
            relationship_type,
            to,
            properties,
        } => {
            let properties = Object::read(properties)?;
            let edge = app
                .with_client(async |client| {
                    let from = ids::entity(client, &from).await?.id;
                    let to = ids::entity(client, &to).await?.id;
                    let edge = client.connect_entities(from, to, relationship_type, properties);
                    Ok(edge.await?)
                })
                .await?;
            shown(out, &edge)
        }
        RelationCommand::Remove { id } => {
            let id = app
                .with_client(async |client| {
                    let id = ids::one(client, Kind::Relationship, &id).await?;
                    client.disconnect_entities(id.clone()).await?;
                    Ok(id)
                })
                .await?;
            show::deleted(out, Kind::Relationship, &id)
        }
    }
}

async fn end(client: &WildThingClient, text: Option<&str>) -> Outcome<Option<RecordId>> {
    match text {
        Some(text) => Ok(Some(ids::entity(client, text).await?.id)),
        None => Ok(None),
    }
}

/// Names by id for a table; none for other output, which has ids.
async fn names(out: &Out, client: &WildThingClient) -> Outcome<BTreeMap<String, String>> {
    if !out.is_table() {
        return Ok(BTreeMap::new());
    }
    let entities = client.get_entities(None).await?.into_iter();
    Ok(entities
        .filter(|entity| !entity.name.is_empty())
        .map(|entity| (entity.id.to_string(), entity.name))
        .collect())
}

fn text(id: Option<&RecordId>) -> String {
    id.map(RecordId::to_string).unwrap_or_default()
}

fn list(out: &Out, edges: &[Relationship], names: &BTreeMap<String, String>) -> Outcome {
    if out.is_json() {
        return out.json(&edges);
    }
    let named = |id: Option<&RecordId>| {
        let id = text(id);
        names.get(&id).cloned().unwrap_or(id)
    };
    let rows: Vec<Vec<String>> = edges
        .iter()
        .map(|edge| {
            vec![
                edge.id.to_string(),
                named(edge.from_id.as_ref()),
                edge.relationship_type.clone(),
                named(edge.to_id.as_ref()),
                match edge.properties.is_empty() {
                    true => String::new(),
                    false => Value::Object(edge.properties.clone()).to_string(),
                },
                edge.sync_status.as_str().to_owned(),
            ]
        })
        .collect();
    out.table(&["id", "from", "type", "to", "properties", "sync_status"], &rows)
}

fn shown(out: &Out, edge: &Relationship) -> Outcome {
    if out.is_json() {
        return out.json(edge);
    }
    let mut pairs = vec![
        ("id".to_owned(), edge.id.to_string()),
        ("from_id".to_owned(), text(edge.from_id.as_ref())),
        ("relationship_type".to_owned(), edge.relationship_type.clone()),
        ("to_id".to_owned(), text(edge.to_id.as_ref())),
    ];
    pairs.extend(nested("properties", &edge.properties));
    pairs.push(("updated_at".to_owned(), moment(edge.updated_at)));
    pairs.push(("sync_status".to_owned(), edge.sync_status.as_str().to_owned()));
    out.pairs(&pairs)
}

pub(super) async fn path(app: App, args: PathArgs) -> Outcome {
    let out = &app.out;
    let found = app
        .with_client(async |client| {
            let from = ids::entity(client, &args.from).await?.id;
            let to = ids::entity(client, &args.to).await?.id;
            Ok(client.find_path(from, to, Some(args.max_depth)).await?)
        })
        .await?;
    let Some(path) = found else {
        return Err(Failure::new(
            Exit::Failed,
            "no_path",
            format!(
                "nothing leads from {:?} to {:?} within {} relationships",
                args.from, args.to, args.max_depth
            ),
            "allow more with --max-depth, or look around with `blowing-off relation list --of ID`",
        ));
    };
    if out.is_json() {
        return out.json(&path);
    }
    out.table(&["id", "type", "name", "by", "direction"], &steps(&path))
}

/// One row an entity: what it is, and how it was come to.
fn steps(path: &GraphPath) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    let mut by = [String::new(), String::new()];
    for (index, entity) in path.entities.iter().enumerate() {
        let [relationship_type, direction] = by;
        rows.push(vec![
            entity.id.to_string(),
            entity.entity_type.clone(),
            entity.name.clone(),
            relationship_type,
            direction,
        ]);
        by = match path.relationships.get(index) {
            Some(edge) if edge.from_id.as_ref() == Some(&entity.id) => {
                [edge.relationship_type.clone(), "outgoing".to_owned()]
            }
            Some(edge) => [edge.relationship_type.clone(), "incoming".to_owned()],
            None => [String::new(), String::new()],
        };
    }
    rows
}
