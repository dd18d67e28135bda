//! From what a user types to the full id of one record.

use wildthing::client::WildThingClient;
use wildthing::client::types::{Conflict, PendingChange};

use crate::failure::{Failure, Outcome};

/// How many candidates an error lists.
const SHOWN: usize = 10;

/// A record's kind and full id.
pub(crate) type Found = (String, String);

/// The id of the one live record of `kind` that `text` names.
pub(crate) async fn one(client: &WildThingClient, kind: &str, text: &str) -> Outcome<String> {
    Ok(any(client, Some(kind), text).await?.1)
}

/// The same for a flag that may be left out.
pub(crate) async fn optional(
    client: &WildThingClient,
    kind: &str,
    text: Option<&str>,
) -> Outcome<Option<String>> {
    match text {
        Some(text) => one(client, kind, text).await.map(Some),
        None => Ok(None),
    }
}

/// The one live record, of `kind` or of any, that `text` names.
pub(crate) async fn any(client: &WildThingClient, kind: Option<&str>, text: &str) -> Outcome<Found> {
    refuse_empty(text)?;
    let found = client.find_ids(kind.map(str::to_owned), text.to_owned()).await?;
    single(found, text)?.ok_or_else(|| Failure::not_found(kind.unwrap_or("record"), text))
}

/// The one record with an unsent edit that `text` names. A deletion that was
/// not sent is such an edit, though the record is no longer among the living.
pub(crate) fn pending(changes: &[PendingChange], kind: Option<&str>, text: &str) -> Outcome<Option<Found>> {
    refuse_empty(text)?;
    let candidates: Vec<Candidate<'_>> = changes
        .iter()
        .map(|change| Candidate {
            kind: &change.kind,
            id: &change.id,
            name: change.name.as_deref(),
        })
        .collect();
    single(matching(&candidates, kind, text), text)
}

/// The one record in the journal that `text` names, deleted or not.
pub(crate) fn journaled(conflicts: &[Conflict], kind: Option<&str>, text: &str) -> Outcome<Option<Found>> {
    refuse_empty(text)?;
    let candidates: Vec<Candidate<'_>> = conflicts
        .iter()
        .map(|conflict| Candidate {
            kind: &conflict.kind,
            id: &conflict.id,
            name: conflict.losing.get("name").and_then(|name| name.as_str()),
        })
        .collect();
    single(matching(&candidates, kind, text), text)
}

struct Candidate<'a> {
    kind: &'a str,
    id: &'a str,
    name: Option<&'a str>,
}

/// The client's order: an exact id, else a prefix, else a name.
fn matching(candidates: &[Candidate<'_>], kind: Option<&str>, text: &str) -> Vec<Found> {
    let lower = text.to_lowercase();
    let tests: [&dyn Fn(&Candidate<'_>) -> bool; 3] = [
        &|candidate| candidate.id == text,
        &|candidate| candidate.id.starts_with(text),
        &|candidate| candidate.name.is_some_and(|name| name.to_lowercase() == lower),
    ];
    for test in tests {
        let mut found: Vec<Found> = candidates
            .iter()
            .filter(|candidate| kind.is_none_or(|kind| kind == candidate.kind) && test(candidate))
            .map(|candidate| (candidate.kind.to_owned(), candidate.id.to_owned()))
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

fn single(mut found: Vec<Found>, text: &str) -> Outcome<Option<Found>> {
    if found.len() <= 1 {
        return Ok(found.pop());
    }
    let mut listed: Vec<String> = found
        .iter()
        .take(SHOWN)
        .map(|(kind, id)| format!("{kind} {id}"))
        .collect();
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
            kind: "room",
            id: "1",
            name: Some("Hall"),
        },
        Candidate {
            kind: "room",
            id: "12",
            name: Some("Küche"),
        },
        Candidate {
            kind: "device",
            id: "1",
            name: Some("Lamp"),
        },
        Candidate {
            kind: "device",
            id: "3",
            name: Some("lamp"),
        },
    ];

    fn find(kind: Option<&str>, text: &str) -> Outcome<Option<Found>> {
        single(matching(&HOUSE, kind, text), text)
    }

    #[test]
    fn exact_ids_come_before_prefixes_and_those_before_names() {
        let found = |kind: &str, id: &str| Ok(Some((kind.to_owned(), id.to_owned())));
        assert_eq!(find(Some("room"), "1"), found("room", "1"));
        assert_eq!(find(None, "12"), found("room", "12"));
        assert_eq!(find(None, "KÜCHE"), found("room", "12"));
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
