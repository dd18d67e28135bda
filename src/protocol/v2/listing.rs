//! The listing of edges read one by one: it comes whole, and a large house has
//! more of them than fit well in memory as values.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::Relationship;
use crate::protocol::decode::{check_numbers, check_text, not_json, wrong};
use crate::protocol::{MAX_LISTING_BYTES, ProtocolError};

/// Hands each edge of a listing to `each`, in order. What `each` returns as an
/// error ends the reading and comes back. A message that is no listing may have
/// handed on some edges before it is refused: keep them only if it is not.
pub fn for_each_edge<E>(
    bytes: &[u8],
    each: impl FnMut(Relationship) -> Result<(), E>,
) -> Result<Result<(), E>, ProtocolError> {
    let text = check_text(bytes, MAX_LISTING_BYTES)?;
    let mut reading = Reading {
        each,
        found: false,
        count: 0,
        refused: None,
    };
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let read = deserializer
        .deserialize_map(Message(&mut reading))
        .and_then(|()| deserializer.end());
    match (reading.refused, read) {
        (Some(Refused::Edge(error)), _) => Err(error),
        (Some(Refused::Receiver(error)), _) => Ok(Err(error)),
        (None, Err(error)) => Err(not_json(&error)),
        (None, Ok(())) if !reading.found => Err(wrong("relationships", "an array", None)),
        (None, Ok(())) => Ok(Ok(())),
    }
}

enum Refused<E> {
    Edge(ProtocolError),
    Receiver(E),
}

struct Reading<F, E> {
    each: F,
    found: bool,
    count: usize,
    refused: Option<Refused<E>>,
}

struct Message<'a, F, E>(&'a mut Reading<F, E>);

impl<'de, F: FnMut(Relationship) -> Result<(), E>, E> Visitor<'de> for Message<'_, F, E> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(field) = map.next_key::<String>()? {
            if field == "relationships" {
                self.0.found = true;
                map.next_value_seed(Edges(self.0))?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

struct Edges<'a, F, E>(&'a mut Reading<F, E>);

impl<'de, F: FnMut(Relationship) -> Result<(), E>, E> DeserializeSeed<'de> for Edges<'_, F, E> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, F: FnMut(Relationship) -> Result<(), E>, E> Visitor<'de> for Edges<'_, F, E> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of relationships")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        use serde::de::Error as _;
        let reading = self.0;
        while let Some(item) = items.next_element::<Value>()? {
            let edge = check_numbers(&item)
                .and_then(|()| Relationship::decode(item))
                .map_err(|error| error.within(&format!("relationships[{}]", reading.count)));
            reading.count += 1;
            let refused = match edge {
                Err(error) => Some(Refused::Edge(error)),
                Ok(edge) => (reading.each)(edge).err().map(Refused::Receiver),
            };
            if refused.is_some() {
                reading.refused = refused;
                return Err(A::Error::custom("stopped"));
            }
        }
        Ok(())
    }
}
