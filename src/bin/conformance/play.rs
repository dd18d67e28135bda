//! Plays one scenario: does what the stage orders, by the public API, and says what
//! came of it.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;
use wildthing::client::{Events, Observed, OpenOptions, WildThingClient};
use wildthing::conformance::Stage;
use wildthing::model::{Json, JsonObject};

use crate::calls;
use crate::render::{Shown, answer};

/// What became of a scenario.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Played {
    pub(crate) transcript: String,
    /// Why it ended early.
    pub(crate) problem: Option<String>,
}

impl Played {
    /// The transcript as it is written to a file: one that ended early says why.
    pub(crate) fn text(&self) -> String {
        match &self.problem {
            Some(problem) => format!("{}{}\n", self.transcript, json!({ "failed": problem })),
            None => self.transcript.clone(),
        }
    }
}

/// Plays a scenario's file, with what it needs in `folder`.
pub(crate) fn play(scenario: &Path, folder: &Path) -> Result<Played, String> {
    let runtime = Runtime::new().map_err(|error| error.to_string())?;
    let stage = Stage::new(scenario, folder).map_err(|error| error.to_string())?;
    let mut player = Player::default();
    let problem = loop {
        let done = match stage.next() {
            Ok(None) => break None,
            Ok(Some(order)) => runtime.block_on(player.obey(&order)).and_then(|answer| {
                let done = stage.done(&answer.to_string());
                done.map_err(|error| error.to_string())
            }),
            Err(error) => Err(error.to_string()),
        };
        if let Err(problem) = done {
            break Some(problem);
        }
    };
    Ok(Played {
        transcript: stage.transcript(),
        problem,
    })
}

#[derive(Default)]
struct Player {
    clients: BTreeMap<String, (WildThingClient, Events)>,
    started: BTreeMap<String, JoinHandle<Result<Json, String>>>,
}

impl Player {
    async fn obey(&mut self, order: &str) -> Result<Json, String> {
        let order: Json = serde_json::from_str(order).map_err(|error| error.to_string())?;
        let text = |name: &str| order[name].as_str().unwrap_or_default().to_owned();
        let args = || order["args"].as_object().cloned().unwrap_or_default();
        match text("order").as_str() {
            "open" => Ok(self.open(text("client"), text("path"), &order["options"]).await),
            "call" => calls::call(self.client(&text("client"))?, &text("call"), args()).await,
            "start" => self.start(text("task"), &text("client"), text("call"), args()),
            "join" => {
                let task = self
                    .started
                    .remove(&text("task"))
                    .ok_or("nothing was started so")?;
                task.await.map_err(|error| error.to_string())?
            }
            "events" => {
                let count = order["count"].as_u64().unwrap_or(0);
                self.events(&text("client"), count).await
            }
            "let_go" => {
                self.clients.remove(&text("client"));
                Ok(json!({"ok": null}))
            }
            other => Err(format!("an order of another stage: {other:?}")),
        }
    }

    fn client(&self, name: &str) -> Result<&WildThingClient, String> {
        let found = self.clients.get(name).map(|(client, _)| client);
        found.ok_or_else(|| format!("{name:?} is not open"))
    }

    async fn open(&mut self, name: String, path: String, options: &Json) -> Json {
        let options = OpenOptions {
            sync_on_write: options["sync_on_write"].as_bool().unwrap_or(true),
            ..OpenOptions::default()
        };
        match WildThingClient::open(path, options).await {
            Ok(client) => {
                let events = client.changes().events();
                self.clients.insert(name, (client, events));
                json!({"ok": null})
            }
            Err(error) => answer::<()>(&Err(error)),
        }
    }

    fn start(&mut self, task: String, client: &str, call: String, args: JsonObject) -> Result<Json, String> {
        let client = self.client(client)?.clone();
        let running = tokio::spawn(async move { calls::call(&client, &call, args).await });
        self.started.insert(task, running);
        Ok(json!({"ok": null}))
    }

    async fn events(&mut self, name: &str, count: u64) -> Result<Json, String> {
        let (_, events) = self.clients.get_mut(name).ok_or("it is not open")?;
        let mut told = Vec::new();
        for _ in 0..count {
            match events.next().await {
                Some(Observed::Change(event)) => told.push(event.shown().unwrap_or_default()),
                other => return Err(format!("{other:?} where an event was due")),
            }
        }
        Ok(json!({"ok": Value::Array(told)}))
    }
}
