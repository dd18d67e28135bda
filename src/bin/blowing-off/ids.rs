//! From what a user types to the full id of one record.

use wildthing::client::WildThingClient;
use wildthing::client::types::{Conflict, PendingChange};
use wildthing::model::{Key, Kind, RecordId};

use crate::failure::{Failure, Outcome};

/// How many candidates an error lists.
const SHOWN: usize = 10;

/// The id of the one live record of `kind` that `text` names.
pub(crate) async fn one(client: &WildThingClient, kind: Kind, text: &str) -> Outcome<RecordId> {
    Ok(any(client, Some(kind), text).await?.id)
}

/// The same for a flag that may be left out.
pub(crate) async fn optional(
    client: &WildThingClient,
    kind: Kind,
    text: Option<&str>,
) -> Outcome<Option<RecordId>> {
    match text {
        Some(text) => one(client, kind, text).await.map(Some),
        None => Ok(None),
    }
}

/// The one live record, of `kind` or of any, that `text` names.
pub(crate) async fn any(client: &WildThingClient, kind: Option<Kind>, text: &str) -> Outcome<Key> {
    refuse_empty(text)?;
    let found = client.find_ids(kind.clone(), text.to_owned()).await?;
    single(found, text)?.ok_or_else(|| Failure::not_found(kind.as_ref().map_or("record", Kind::as_str), text))
}

/// The one live entity of any type that `text` names.
pub(crate) async fn entity(client: &WildThingClient, text: &str) -> Outcome<Key> {
    refuse_empty(text)?;
    let found = client.find_entity_ids(text.to_owned()).await?;
    single(found, text)?.ok_or_else(|| Failure::not_found("entity", text))
}

/// The one record with an unsent edit that `text` names. A deletion that was
/// not sent is such an edit, though the record is no longer among the living.
pub(crate) fn pending(changes: &[PendingChange], kind: Option<&Kind>, text: &str) -> Outcome<Option<Key>> {
    refuse_empty(text)?;
    let candidates: Vec<Candidate<'_>> = changes
        .iter()
        .map(|change| Candidate {
            kind: &change.kind,
            id: change.id.as_str(),
            name: change.name.as_deref(),
        })
        .collect();
    single(matching(&candidates, kind, text), text)
}

/// The one record in the journal that `text` names, deleted or not.
pub(crate) fn journaled(conflicts: &[Conflict], kind: Option<&Kind>, text: &str) -> Outcome<Option<Key>> {
    refuse_empty(text)?;
    let candidates: Vec<Candidate<'_>> = conflicts
        .iter()
        .map(|conflict| Candidate {
            kind: &conflict.kind,
            id: conflict.id.as_str(),
            name: conflict.losing.get("name").and_then(|name| name.as_str()),
        })
        .collect();
    single(matching(&candidates, kind, text), text)
}

struct Candidate<'a> {
    kind: &'a Kind,
    id: &'a str,
    name: Option<&'a str>,
}

/// The client's order: an exact id, else a prefix, else a name.
fn matching(candidates: &[Candidate<'_>], kind: Option<&Kind>, text: &str) -> Vec<Key> {
    let lower = text.to_lowercase();
    let tests: [&dyn Fn(&Candidate<'_>) -> bool; 3] = [
        &|candidate| candidate.id == text,
        &|candidate| candidate.id.starts_with(text),
        &|candidate| candidate.name.is_some_and(|name| name.to_lowercase() == lower),
    ];
    for test in tests {
        let mut found: Vec<Key> = candidates
            .iter()
            .filter(|candidate| kind.is_none_or(|kind| kind == candidate.kind) && test(candidate))
            .filter_map(|candidate| {
                Some(Key::new(
                    candidate.kind.clone(),
                    RecordId::new(candidate.id).ok()?,
                ))
            })
            .collect();
        if !found.is_empty() {
            found.sort();
            found.dedup();
            return found;
        }
    }
    Vec::new()
}

/// An empty text would be a prefix of everything.
fn refuse_empty(text: &str) -> Outcome {
    if text.is_empty() {
        return Err(Failure::usage(
            "an id is empty",
            "give an id, a prefix of one, or a name",
        ));
    }
    Ok(())
}

fn single(mut found: Vec<Key>, text: &str) -> Outcome<Option<Key>> {
    if found.len() <= 1 {
        return Ok(found.pop());
    }
    let mut listed: Vec<String> = found.iter().take(SHOWN).map(Key::to_string).collect();
    if found.len() > SHOWN {
        listed.push(format!("{} more", found.len() - SHOWN));
    }
    let mut failure = Failure::usage(
        format!("{text:?} fits {} records: {}", found.len(), listed.join(", ")),
        "give more of the id; where ids repeat across kinds, say which kind (see --help)",
    );
    failure.code = "ambiguous".to_owned();
    Err(failure)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUSE: [Candidate<'static>; 4] = [
        Candidate {
            kind: &Kind::Room,
            id: "1",
            name: Some("Hall"),
        },
        Candidate {
            kind: &Kind::Room,
            id: "12",
            name: Some("Küche"),
        },
        Candidate {
            kind: &Kind::Device,
            id: "1",
            name: Some("Lamp"),
        },
        Candidate {
            kind: &Kind::Device,
            id: "3",
            name: Some("lamp"),
        },
    ];

    fn find(kind: Option<Kind>, text: &str) -> Outcome<Option<Key>> {
        single(matching(&HOUSE, kind.as_ref(), text), text)
    }

    #[test]
    fn exact_ids_come_before_prefixes_and_those_before_names() {
        let found = |kind: Kind, id: &str| Ok(RecordId::new(id).ok().map(|id| Key::new(kind, id)));
        assert_eq!(find(Some(Kind::Room), "1"), found(Kind::Room, "1"));
        assert_eq!(find(None, "12"), found(Kind::Room, "12"));
        assert_eq!(find(None, "KÜCHE"), found(Kind::Room, "12"));
        assert_eq!(find(None, "nothing"), Ok(None));
    }

    #[test]
    fn what_fits_several_is_a_usage_error_that_lists_them() {
        for text in ["1", "lamp"] {
            let Err(failure) = find(None, text) else {
                unreachable!("{text} was taken")
            };
            assert_eq!(failure.code, "ambiguous");
            assert_eq!(failure.exit as u8, 2);
            assert!(failure.message.contains("device 1"), "{failure:?}");
        }
    }
}
