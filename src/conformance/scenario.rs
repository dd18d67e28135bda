//! The format of a scenario, read strictly: what is not known is refused, with its
//! place. `docs/conformance.md` tells what the steps do.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::StageError;
use crate::model::{Json, JsonObject};

/// A scenario.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// Its name, that of its file.
    pub name: String,
    /// What the hub speaks, `v1` or `v2`.
    pub protocol: String,
    pub(super) head: Head,
    pub(super) steps: Vec<Step>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Head {
    name: String,
    #[serde(rename = "$schema")]
    _schema: Option<String>,
    /// What happens, in a sentence.
    pub(super) about: String,
    /// The mutants of `src/mutant.rs` it is to catch, or a branch in words.
    pub(super) covers: Vec<String>,
    protocol: String,
    #[serde(default)]
    pub(super) hub: HubSetUp,
    pub(super) clients: BTreeMap<String, ClientSetUp>,
    /// How long after one step the next begins.
    #[serde(default = "second")]
    pub(super) tick_ms: i64,
    steps: Vec<Json>,
}

fn second() -> i64 {
    1_000
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HubSetUp {
    pub(super) page_limit: Option<usize>,
    #[serde(default)]
    pub(super) clock_offset_ms: i64,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ClientSetUp {
    /// Whose replica it opens, if not one of its own.
    pub(super) file: Option<String>,
    #[serde(default)]
    pub(super) clock_offset_ms: i64,
    /// Whether it is opened at once.
    #[serde(default = "yes")]
    pub(super) open: bool,
    /// Whether it is then connected with the hub's token.
    #[serde(default = "yes")]
    pub(super) connect: bool,
    #[serde(default)]
    pub(super) sync_on_write: bool,
}

fn yes() -> bool {
    true
}

/// What happens next.
#[derive(Debug, Clone)]
pub(super) enum Step {
    Call(Box<Call>),
    Join(Join),
    Stage(StageStep),
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Call {
    pub(super) client: String,
    pub(super) call: String,
    #[serde(default)]
    pub(super) args: JsonObject,
    #[serde(rename = "as")]
    pub(super) name: Option<String>,
    /// Begin it under this name, and don't wait for it.
    pub(super) start: Option<String>,
    pub(super) expect: Option<Json>,
    pub(super) requests: Option<u64>,
    pub(super) until: Option<Until>,
}

/// Waits for a call that was begun.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Join {
    pub(super) join: String,
    #[serde(rename = "as")]
    pub(super) name: Option<String>,
    pub(super) expect: Option<Json>,
}

/// What must have come, since the step began, before it is over.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub(super) enum Until {
    /// A client has told an event of this word.
    Event { client: String, event: String },
    /// A client's background sync waits for the clock.
    Waits { client: String, wait: Waiting },
    /// A request is held at the door.
    Held,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Waiting {
    Interval,
    Quiet,
    Patience,
}

#[derive(Debug, Clone)]
pub(super) enum StageStep {
    HubDown,
    HubUp,
    Fault(Fault),
    ClearFaults,
    Release,
    Await(Await),
    HubRequest(Box<HubRequest>),
    Advance(Advance),
    HubClock(Offset),
    ClientClock(ClientOffset),
    HubToken(Token),
    HubEpoch,
    PageLimit(PageLimit),
    Open(Who),
    LetGo(Who),
    Kill(Who),
    Contents(Who),
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

/// What the door does with requests to come.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Fault {
    /// Part of the path; any if left out.
    #[serde(default)]
    pub(super) on: String,
    /// How many such requests pass before.
    #[serde(default)]
    pub(super) skip: u64,
    #[serde(default = "once")]
    pub(super) times: u64,
    #[serde(rename = "do")]
    pub(super) does: Does,
}

fn once() -> u64 {
    1
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub(super) enum Does {
    /// The hub never hears of it.
    Refuse,
    /// The hub takes it, and nothing comes back.
    LoseAnswer,
    /// The hub takes it, and so many bytes of the answer's body come back.
    CutAfter { bytes: usize },
    /// The hub never hears of it, and this is the answer.
    Answer {
        status: u16,
        retry_after: Option<String>,
        body: Option<Json>,
    },
    /// It waits before the hub, until `release`.
    HoldRequest,
    /// The hub takes it, and the answer waits until `release`.
    HoldAnswer,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Await {
    pub(super) until: Until,
}

/// Somebody else asks the hub.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HubRequest {
    #[serde(default = "post")]
    pub(super) method: String,
    pub(super) path: String,
    pub(super) body: Option<Json>,
    #[serde(rename = "as")]
    pub(super) name: Option<String>,
    pub(super) expect: Option<Json>,
}

fn post() -> String {
    "POST".to_owned()
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Advance {
    pub(super) ms: i64,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Offset {
    pub(super) offset_ms: i64,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ClientOffset {
    pub(super) client: String,
    pub(super) offset_ms: i64,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Token {
    pub(super) token: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PageLimit {
    pub(super) changes: usize,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Who {
    pub(super) client: String,
}

impl Scenario {
    /// Reads the file.
    pub fn read(path: &Path) -> Result<Self, StageError> {
        let bytes = std::fs::read(path).map_err(|error| refused(path, "the file", &error))?;
        Self::parse(path, &bytes)
    }

    /// Reads what the file at `path` holds.
    pub fn parse(path: &Path, bytes: &[u8]) -> Result<Self, StageError> {
        let head: Head = serde_json::from_slice(bytes).map_err(|error| refused(path, "the top", &error))?;
        let stem = path.file_stem().unwrap_or_default();
        if stem != head.name.as_str() {
            return Err(refused(path, "name", &"is not that of the file"));
        }
        if !matches!(head.protocol.as_str(), "v1" | "v2") {
            return Err(refused(path, "protocol", &"expected v1 or v2"));
        }
        check_clients(&head.clients).map_err(|problem| refused(path, "clients", &problem))?;
        let mut steps = Vec::new();
        for (index, written) in head.steps.iter().enumerate() {
            let at = format!("steps[{index}]");
            let step = step(written).map_err(|problem| refused(path, &at, &problem))?;
            let named = step
                .client()
                .into_iter()
                .chain(step.until().and_then(Until::client));
            for name in named {
                if !head.clients.contains_key(name) {
                    return Err(refused(path, &at, &format!("there is no client {name:?}")));
                }
            }
            steps.push(step);
        }
        Ok(Self {
            name: head.name.clone(),
            protocol: head.protocol.clone(),
            head,
            steps,
        })
    }

    /// What it is there for.
    pub fn covers(&self) -> &[String] {
        &self.head.covers
    }
}

/// A client's name is that of its file, and each has a number below the hub's.
fn check_clients(clients: &BTreeMap<String, ClientSetUp>) -> Result<(), String> {
    const MOST: usize = u8::MAX as usize - 1;
    if clients.len() > MOST {
        return Err(format!("expected at most {MOST}"));
    }
    for (name, set_up) in clients {
        let plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-');
        if name.is_empty() || !name.chars().all(plain) {
            return Err(format!(
                "expected a name of letters, digits, _ and -, not {name:?}"
            ));
        }
        if let Some(file) = set_up.file.as_ref().filter(|file| !clients.contains_key(*file)) {
            return Err(format!("there is no client {file:?}, whose file {name} opens"));
        }
    }
    Ok(())
}

fn refused(path: &Path, at: &str, problem: &dyn std::fmt::Display) -> StageError {
    let file = path.file_name().unwrap_or_default().to_string_lossy();
    StageError::Scenario {
        file: file.into_owned(),
        at: at.to_owned(),
        problem: problem.to_string(),
    }
}

impl Step {
    fn client(&self) -> Option<&str> {
        match self {
            Step::Call(call) => Some(&call.client),
            Step::Stage(StageStep::ClientClock(of)) => Some(&of.client),
            Step::Stage(
                StageStep::Open(who)
                | StageStep::LetGo(who)
                | StageStep::Kill(who)
                | StageStep::Contents(who),
            ) => Some(&who.client),
            Step::Stage(_) | Step::Join(_) => None,
        }
    }

    fn until(&self) -> Option<&Until> {
        match self {
            Step::Call(call) => call.until.as_ref(),
            Step::Stage(StageStep::Await(step)) => Some(&step.until),
            Step::Stage(_) | Step::Join(_) => None,
        }
    }
}

impl Until {
    fn client(&self) -> Option<&str> {
        match self {
            Until::Event { client, .. } | Until::Waits { client, .. } => Some(client),
            Until::Held => None,
        }
    }
}

fn step(written: &Json) -> Result<Step, String> {
    let Json::Object(fields) = written else {
        return Err("expected an object".to_owned());
    };
    if fields.contains_key("join") {
        return read(fields.clone()).map(Step::Join);
    }
    let Some(word) = fields.get("stage") else {
        if fields.contains_key("call") {
            return read(fields.clone()).map(|call| Step::Call(Box::new(call)));
        }
        return Err("expected one of `call`, `join` and `stage`".to_owned());
    };
    let mut rest = fields.clone();
    rest.remove("stage");
    let nothing = |step| read::<Nothing>(rest.clone()).map(|_| step);
    let step = match word.as_str().unwrap_or_default() {
        "hub_down" => nothing(StageStep::HubDown),
        "hub_up" => nothing(StageStep::HubUp),
        "clear_faults" => nothing(StageStep::ClearFaults),
        "release" => nothing(StageStep::Release),
        "hub_epoch" => nothing(StageStep::HubEpoch),
        "fault" => read(rest).map(StageStep::Fault),
        "await" => read(rest).map(StageStep::Await),
        "hub_request" => read(rest).map(|asked| StageStep::HubRequest(Box::new(asked))),
        "advance" => read(rest).map(StageStep::Advance),
        "hub_clock" => read(rest).map(StageStep::HubClock),
        "client_clock" => read(rest).map(StageStep::ClientClock),
        "hub_token" => read(rest).map(StageStep::HubToken),
        "page_limit" => read(rest).map(StageStep::PageLimit),
        "open" => read(rest).map(StageStep::Open),
        "let_go" => read(rest).map(StageStep::LetGo),
        "kill" => read(rest).map(StageStep::Kill),
        "contents" => read(rest).map(StageStep::Contents),
        _ => Err(format!("the stage can't do {word}")),
    };
    step.map(Step::Stage)
}

fn read<T: DeserializeOwned>(fields: JsonObject) -> Result<T, String> {
    serde_json::from_value(Json::Object(fields)).map_err(|error| error.to_string())
}
