//! A client whose server answers anything: it gets through or says why not, and what
//! was edited here is in the outbox, or the server named it, or it is in the journal.

use serde_json::Value;
use wildthing::model::{JsonObject, Key, Kind, RecordId, Version};
use wildthing::protocol::Protocol;
use wildthing::seam::SharedSeam;
use wildthing::store::metadata::LeaseOwner;
use wildthing::store::{Store, journal, outbox, rows};
use wildthing::sync::execute::{Outward, execute};
use wildthing::sync::{Event, Planner, PlannerOptions};
use wildthing::transport::{Response, TransportError};

use crate::seam;

const NAME: &str = "edited here";
const ID: &str = "lamp";

/// More steps than a sync of a few answers takes.
const MOST_STEPS: usize = 10_000;

/// What a server of v1 answers, a line each: the status, a space, the body.
pub fn v1_answers(bytes: &[u8]) {
    sync(Protocol::V1, bytes);
}

/// What a server of v2 answers, a line each: the status, a space, the body.
pub fn v2_answers(bytes: &[u8]) {
    sync(Protocol::V2, bytes);
}

fn sync(protocol: Protocol, bytes: &[u8]) {
    let seam = seam();
    let store = Store::in_memory(seam.clone()).expect("a replica in memory");
    store
        .choose_protocol(protocol, false)
        .expect("a protocol")
        .expect("it is the first");
    let key = Key::new(Kind::Device, RecordId::new(ID).expect("an id"));
    let edit = store.edit(&key, |_| lamp(&key)).expect("an edit").version.sync_id;

    let answers: Vec<Response> = bytes.split(|byte| *byte == b'\n').filter_map(answer).collect();
    let named = answers.iter().any(|answer| names(answer, &[ID, &edit]));
    run(&store, &seam, answers);

    let (waits, shown) = store
        .read(|connection| Ok((outbox::get(connection, &key)?, rows::get(connection, &key)?)))
        .expect("a replica that can be read");
    let mine = shown.is_some_and(|record| record.version.name.as_deref() == Some(NAME));
    if waits.is_some() {
        assert!(mine, "an edit that waits was replaced");
    } else {
        assert!(named, "an edit that nobody named left the outbox");
        let kept = store.read(|connection| journal::open_loss(connection, &key));
        assert!(
            mine || kept.expect("a journal").is_some(),
            "an edit that lost is in no journal"
        );
    }
}

/// Syncs until the answers are used up; from then on nobody answers.
fn run(store: &Store, seam: &SharedSeam, answers: Vec<Response>) {
    let owner = LeaseOwner {
        id: "fuzz".to_owned(),
        pid: None,
    };
    let mut answers = answers.into_iter();
    let mut planner = Planner::new(PlannerOptions::default());
    let mut event = Event::Start;
    for _ in 0..MOST_STEPS {
        event = match execute(store, &owner, planner.next(event, seam.now())) {
            Ok(event) => event,
            Err(Outward::Request(_)) => match answers.next() {
                Some(answer) => Event::Response(answer),
                None => Event::TransportFailed(TransportError::Timeout {
                    host: "nobody".to_owned(),
                }),
            },
            Err(Outward::Wait(_)) => Event::Timer,
            Err(Outward::Over(_)) => return,
        };
        if let Event::StoreFailed(error) = &event {
            panic!("the replica failed: {error}");
        }
    }
    panic!("a sync without an end");
}

fn answer(line: &[u8]) -> Option<Response> {
    let (status, body) = line.split_at_checked(4)?;
    let status = std::str::from_utf8(status).ok()?.trim_end().parse().ok()?;
    Some(Response {
        status,
        body: body.to_vec(),
        retry_after: None,
    })
}

/// Whether one of the words stands in an answer, as a value or a name.
fn names(answer: &Response, words: &[&str]) -> bool {
    fn within(value: &Value, words: &[&str]) -> bool {
        match value {
            Value::String(text) => words.contains(&text.as_str()),
            Value::Array(items) => items.iter().any(|item| within(item, words)),
            Value::Object(fields) => fields
                .iter()
                .any(|(name, value)| words.contains(&name.as_str()) || within(value, words)),
            _ => false,
        }
    }
    serde_json::from_slice(&answer.body).is_ok_and(|body: Value| within(&body, words))
}

fn lamp(key: &Key) -> Version {
    Version {
        key: key.clone(),
        parent_id: None,
        name: Some(NAME.to_owned()),
        body: JsonObject::new(),
        created_at: None,
        updated_at: None,
        sync_id: String::new(),
        deleted: false,
    }
}
