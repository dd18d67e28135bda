//! A v2 hub under random pushes, against a model of a few lines: what becomes
//! current, what is kept, and that saying it twice changes nothing.
#![cfg(feature = "testing")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod hub2_support;
mod hub_support;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hub_support::{FakeSeam, NOON, SECOND};
use hub2_support::{after, change, device, pushing, version};
use proptest::prelude::*;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use wildthing::hub::v2::GraphStore;
use wildthing::protocol::v2::{SyncRequest, version_time};

const IDS: [&str; 3] = ["a", "b", "c"];

/// One pushed version, in what matters to the rule.
#[derive(Debug, Clone)]
struct Push {
    id: usize,
    delete: bool,
    /// When it was made and when it arrives, in tenths of a second after noon.
    made: i64,
    arrives: i64,
    /// Whether it names what is current; otherwise it names nothing.
    informed: bool,
}

fn pushes() -> impl Strategy<Value = Vec<Push>> {
    let push = (
        0..IDS.len(),
        prop::bool::weighted(0.2),
        0i64..60,
        0i64..3,
        any::<bool>(),
    );
    prop::collection::vec(push, 1..40).prop_map(|drawn| {
        let mut clock = 0;
        let push = |(id, delete, made, passes, informed)| {
            clock += passes * 5;
            Push {
                id,
                delete,
                made,
                arrives: clock,
                informed,
            }
        };
        drawn.into_iter().map(push).collect()
    })
}

/// What the model knows of an entity.
struct Held {
    version: String,
    deleted: bool,
    arrived: i64,
}

fn sync(store: &mut GraphStore, request: &Value) -> Value {
    let request = SyncRequest::decode(request.to_string().as_bytes()).unwrap();
    store.sync(request).unwrap().encode()
}

fn micros(tenths: i64) -> i64 {
    NOON + tenths * SECOND / 10
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_hub_does_what_the_model_does(pushes in pushes()) {
        let seam = FakeSeam::at(NOON - SECOND);
        let mut store = GraphStore::in_memory(Arc::clone(&seam) as _).unwrap();
        let mut model: BTreeMap<&str, Held> = BTreeMap::new();
        let mut kept: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
        let mut sent = Vec::new();
        let mut last_arrival = NOON - SECOND;
        for (counter, push) in pushes.iter().enumerate() {
            let id = IDS[push.id];
            seam.set(micros(push.arrives));
            let text = version(0, u32::try_from(counter).unwrap(), "u");
            let made = wildthing::model::Timestamp::from_micros(micros(push.made));
            let text = text.replacen(&text[..26], &made.to_string(), 1);
            let current = model.get(id);
            let parents: Vec<&str> = match (push.informed, current) {
                (true, Some(held)) => vec![&held.version],
                _ => Vec::new(),
            };
            let change_type = if push.delete { "delete" } else { "update" };
            let wire = change(change_type, device(id, &text, &parents), &[]);

            // The model: who should stand afterwards, and is it kept at all?
            let ignored = push.delete && current.is_none_or(|held| held.deleted);
            let wins = match current {
                None => true,
                Some(_) if push.delete || !parents.is_empty() => true,
                Some(held) if held.deleted => false,
                Some(held) => {
                    let apart = version_time(&text).unwrap().micros() - held.arrived;
                    if apart.abs() < SECOND { text > held.version } else { apart > 0 }
                }
            };
            let conflict = !ignored && !push.delete && current.is_some() && parents.is_empty();
            let told = sync(&mut store, &pushing(std::slice::from_ref(&wire)));
            prop_assert_eq!(&told["applied"], &json!([id]));
            prop_assert_eq!(told["conflicts"].as_array().unwrap().len(), usize::from(conflict));
            if !ignored {
                last_arrival = micros(push.arrives).max(last_arrival + 1);
                kept.entry(id).or_default().insert(text.clone());
                if wins {
                    model.insert(id, Held { version: text, deleted: push.delete, arrived: last_arrival });
                }
            }
            sent.push((ignored, wire));
        }

        // What stands is what the model says, in one digest and in the pages.
        let told = sync(&mut store, &after("0"));
        let standing: BTreeMap<&str, &str> = told["changes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|change| (change["entity"]["id"].as_str().unwrap(), change["entity"]["version"].as_str().unwrap()))
            .collect();
        let expected: BTreeMap<&str, &str> = model.iter().map(|(id, held)| (*id, held.version.as_str())).collect();
        prop_assert_eq!(standing, expected);
        let text: String = model.iter().map(|(id, held)| format!("{id}\u{1f}{}\u{1e}", held.version)).collect();
        let digest: String = Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect();
        prop_assert_eq!(&told["state_digest"], &json!(digest));
        // Nothing that was ever taken is gone.
        for (id, versions) in &kept {
            let listed = store.entity_versions(id).unwrap().versions;
            let listed: BTreeSet<String> = listed.into_iter().map(|version| version.item.version).collect();
            prop_assert_eq!(&listed, versions);
        }
        // Everything that left a trace is sent again, late and in any order.
        for (_, wire) in sent.iter().rev().filter(|(ignored, _)| !ignored) {
            let again = sync(&mut store, &pushing(std::slice::from_ref(wire)));
            prop_assert_eq!(&again["conflicts"], &json!([]));
        }
        let after_all = sync(&mut store, &after("0"));
        prop_assert_eq!(&after_all["changes"], &told["changes"]);
        prop_assert_eq!(&after_all["server_time"], &told["server_time"]);
    }
}
