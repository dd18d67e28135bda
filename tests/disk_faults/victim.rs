//! The process whose disk fails: one app that opens a replica, works with it and
//! says what came of each call.
//!
//! Every edit carries a mark of its own, so that it can be found wherever it went.

use std::io::Write as _;
use std::path::PathBuf;

use serde_json::json;
use wildthing::client::{
    Durability, NewHouse, NewRoom, OpenOptions, RoomPatch, WildThingClient, WildThingError,
};
use wildthing::model::JsonObject;

use super::fault_support::TOKEN;
use super::stage::Scene;

pub(crate) const DATABASE: &str = "DISK_DATABASE";
pub(crate) const SCENE: &str = "DISK_SCENE";
pub(crate) const DURABILITY: &str = "DISK_DURABILITY";
pub(crate) const HUB: &str = "DISK_HUB";

/// What failed when the key could not be changed.
pub(crate) const REKEY: &str = "rekey";

/// One line of what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Told {
    Made(String),
    /// Its mark or what was asked for, the error's code and its words.
    Failed(String, String, String),
    Synced,
    Rekeyed,
    Done,
}

impl Told {
    pub(crate) fn parse(line: &str) -> Option<Self> {
        let words: Vec<&str> = line.split('\t').collect();
        Some(match words[..] {
            ["made", mark] => Told::Made(mark.to_owned()),
            ["failed", what, code, problem] => {
                Told::Failed(what.to_owned(), code.to_owned(), problem.to_owned())
            }
            ["synced"] => Told::Synced,
            ["rekeyed"] => Told::Rekeyed,
            ["done"] => Told::Done,
            // The test harness talks too.
            _ => return None,
        })
    }
}

fn say(line: &str) {
    println!("\n{line}");
    std::io::stdout().flush().unwrap();
}

fn failed(what: &str, error: &WildThingError) {
    let code = match error {
        WildThingError::Storage { code, .. } => code.as_str(),
        other => other.code(),
    };
    say(&format!(
        "failed\t{what}\t{code}\t{}",
        error.to_string().replace(['\n', '\t'], " ")
    ));
}

/// What to do is in the environment.
pub(crate) fn act() {
    let var = |name: &str| std::env::var(name).expect("started by the other tests");
    let scene = Scene::parse(&var(SCENE));
    let options = OpenOptions {
        durability: Some(match var(DURABILITY).as_str() {
            "fast" => Durability::Fast,
            _ => Durability::Full,
        }),
        ..OpenOptions::default()
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let path = PathBuf::from(var(DATABASE));
        let opened = match scene.keys() {
            Some([Some(key), _]) => WildThingClient::open_encrypted(path, key, options).await,
            _ => WildThingClient::open(path, options).await,
        };
        let client = match opened {
            Ok(client) => client,
            Err(error) => return failed("open", &error),
        };
        if let Some([_, new]) = scene.keys() {
            match client.change_key(new).await {
                Ok(()) => say("rekeyed"),
                Err(error) => failed(REKEY, &error),
            }
        }
        match scene {
            Scene::Encrypt
            | Scene::Rekey
            | Scene::Decrypt
            | Scene::Write
            | Scene::Migrate
            | Scene::Create => write(&client).await,
            Scene::Pull | Scene::Settle | Scene::GraphPull | Scene::GraphSettle => {
                sync(&client, var(HUB)).await
            }
        }
        client.shutdown().await;
    });
    say("done");
}

async fn write(client: &WildThingClient) {
    for number in 0..2 {
        let mark = format!("mark-w{number}");
        let made = make_room(client, &mark).await;
        tell(&mark, made);
    }
    let Ok(rooms) = client.get_rooms(None).await else {
        return;
    };
    if let Some(room) = rooms.first() {
        let patch = RoomPatch {
            name: Some("mark-w2".into()),
            ..RoomPatch::default()
        };
        tell("mark-w2", client.update_room(room.id.clone(), patch).await);
    }
    let Ok(devices) = client.get_devices(None).await else {
        return;
    };
    if let Some(device) = devices.first() {
        let mut state = JsonObject::new();
        state.insert("mark-w3".into(), json!(true));
        let set = client.update_device_state(device.id.clone(), state, None, false);
        tell("mark-w3", set.await);
    }
}

/// A house first, where there is none yet.
async fn make_room(client: &WildThingClient, mark: &str) -> Result<(), WildThingError> {
    let house = match client.get_houses().await?.into_iter().next() {
        Some(house) => house,
        None => {
            let house = NewHouse {
                name: "Cabin".into(),
                ..NewHouse::default()
            };
            client.create_house(house).await?
        }
    };
    let room = NewRoom {
        house_id: house.id,
        name: mark.to_owned(),
        floor: None,
        room_type: None,
        settings: None,
    };
    client.create_room(room).await.map(drop)
}

fn tell<T>(mark: &str, made: Result<T, WildThingError>) {
    match made {
        Ok(_) => say(&format!("made\t{mark}")),
        Err(error) => failed(mark, &error),
    }
}

async fn sync(client: &WildThingClient, hub: String) {
    if let Err(error) = client.connect(hub, Some(TOKEN.into()), None).await {
        return failed("connect", &error);
    }
    match client.sync().await {
        Ok(_) => say("synced"),
        Err(error) => failed("sync", &error),
    }
}
