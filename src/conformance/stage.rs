//! The play: order by order, and what comes of each.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::backstage::{Backstage, soon};
use super::clock::{Clock, Lot, StageSeam};
use super::door::Door;
use super::house::House;
use super::names::Names;
use super::scenario::{Call, Join, Step, Until, Waiting};
use super::transcript::Transcript;
use super::{Scenario, StageError, contents, expect, lock};
use crate::client::staged::{self, Director};
use crate::model::{Json, JsonObject};
use crate::seam::Wait;

/// The token that the hub asks for at first.
pub(super) const TOKEN: &str = "stage-token-1";

/// A scenario being played.
#[derive(Debug)]
pub struct Stage(Mutex<Play>);

/// What the runner is to do.
#[derive(Debug, Clone)]
pub(super) enum Order {
    Open {
        client: String,
    },
    Call {
        client: String,
        call: String,
        args: JsonObject,
        of: Of,
    },
    Start {
        task: String,
        client: String,
        call: String,
        args: JsonObject,
    },
    Join(Join),
    Events {
        client: String,
        count: usize,
    },
    LetGo {
        client: String,
    },
}

/// Why a call is ordered.
#[derive(Debug, Clone)]
pub(super) enum Of {
    Step(Box<Call>),
    SetUp,
    Contents,
    Farewell,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    SetUp,
    Steps,
    Contents,
    Farewell,
    Over,
}

pub(super) struct Play {
    pub(super) scenario: Scenario,
    pub(super) folder: PathBuf,
    pub(super) names: Names,
    pub(super) transcript: Arc<Transcript>,
    pub(super) clock: Arc<Clock>,
    pub(super) backstage: Arc<Backstage>,
    /// Has its say as long as the play lives.
    _director: Arc<dyn Director>,
    pub(super) door: Door,
    pub(super) house: House,
    pub(super) hub_lot: Lot,
    pub(super) queue: VecDeque<Order>,
    outstanding: Option<Order>,
    /// Calls that were begun and not waited for, and whose they are.
    started: BTreeMap<String, (String, String)>,
    act: Act,
    next: usize,
    /// Which step is played, counted from 1; 0 before the first.
    pub(super) step: u64,
    settled: bool,
    pub(super) until: Option<Until>,
    /// The line of the step's call. It comes when the step is over: what a call sets
    /// off in the background may reach the door before or after the call is answered.
    called: Option<Json>,
    /// How things stood when the step began.
    before: Before,
    /// The replica of a client that is being killed, as it is to be found.
    pub(super) killed: Option<(String, BTreeMap<PathBuf, Vec<u8>>)>,
}

impl std::fmt::Debug for Play {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Play")
            .field("scenario", &self.scenario.name)
            .field("step", &self.step)
            .finish_non_exhaustive()
    }
}

#[derive(Debug, Default)]
struct Before {
    asked: u64,
    count: u64,
}

impl Stage {
    /// Sets the stage for the scenario in `scenario`, with everything it needs in
    /// `folder`, which is made, and emptied if it is there.
    pub fn new(scenario: &Path, folder: &Path) -> Result<Self, StageError> {
        Play::new(Scenario::read(scenario)?, folder).map(|play| Self(Mutex::new(play)))
    }

    /// The next order as JSON; `None` at the end. Blocks while the stage does its own
    /// steps.
    pub fn next(&self) -> Result<Option<String>, StageError> {
        lock(&self.0).next()
    }

    /// What came of the order, as JSON.
    pub fn done(&self, answer: &str) -> Result<(), StageError> {
        let answer = serde_json::from_str(answer)
            .map_err(|error| StageError::runner(format!("what it answers is no JSON: {error}")))?;
        lock(&self.0).done(answer)
    }

    /// What happened up to now, a line of JSON each.
    pub fn transcript(&self) -> String {
        lock(&self.0).transcript.text()
    }
}

impl Play {
    fn new(scenario: Scenario, folder: &Path) -> Result<Self, StageError> {
        match std::fs::remove_dir_all(folder) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(StageError::broken(error));
            }
            _ => {}
        }
        std::fs::create_dir_all(folder.join("clients")).map_err(StageError::broken)?;
        let folder = folder.canonicalize().map_err(StageError::broken)?;

        let transcript = Arc::new(Transcript::default());
        let clock = Clock::new(Arc::clone(&transcript));
        let mut lots = BTreeMap::new();
        for (number, (name, set_up)) in (1u8..).zip(&scenario.head.clients) {
            lots.insert(name.clone(), Lot::new(name, number, set_up.clock_offset_ms));
        }
        let backstage = Arc::new(Backstage::new(Arc::clone(&clock), lots));
        let director: Arc<dyn Director> = Arc::clone(&backstage) as _;
        staged::direct(&folder.join("clients"), &director);

        let hub_lot = Lot::new("hub", u8::MAX, scenario.head.hub.clock_offset_ms);
        let seam = Arc::new(StageSeam {
            clock: Arc::clone(&clock),
            lot: hub_lot.clone(),
        });
        let page_limit = scenario.head.hub.page_limit;
        let mut house = House::new(&scenario.protocol, folder.join("hub.db"), seam, TOKEN, page_limit)?;
        let door = Door::open(Arc::clone(&transcript))?;
        door.leads_to(Some(house.start()?));

        transcript.mask(format!("http://{}", door.address()), "HUB");
        transcript.mask(door.address().to_string(), "HUB");
        transcript.mask(folder.display().to_string(), "FOLDER");
        transcript.mask(TOKEN.to_owned(), "TOKEN");
        transcript.line(&json!({"scenario": scenario.name, "protocol": scenario.protocol,
            "about": scenario.head.about, "covers": scenario.head.covers}));
        let mut names = Names::default();
        names.keep("hub", Json::from(format!("http://{}", door.address())));
        names.keep("token", Json::from(TOKEN));
        names.keep("folder", Json::from(folder.display().to_string()));
        Ok(Self {
            scenario,
            folder,
            names,
            transcript,
            clock,
            backstage,
            _director: director,
            door,
            house,
            hub_lot,
            queue: VecDeque::new(),
            outstanding: None,
            started: BTreeMap::new(),
            act: Act::SetUp,
            next: 0,
            step: 0,
            settled: true,
            until: None,
            called: None,
            before: Before::default(),
            killed: None,
        })
    }

    fn next(&mut self) -> Result<Option<String>, StageError> {
        if self.outstanding.is_some() {
            return Err(StageError::runner("the last order has no answer yet"));
        }
        loop {
            if let Some(order) = self.queue.pop_front() {
                let shown = self.shown(&order);
                self.prepare(&order);
                self.outstanding = Some(order);
                return Ok(Some(shown.to_string()));
            }
            if !self.settled {
                self.settle()?;
                continue;
            }
            self.settled = false;
            match self.act {
                Act::SetUp => {
                    self.act = Act::Steps;
                    self.set_up();
                }
                Act::Steps => match self.scenario.steps.get(self.next).cloned() {
                    Some(step) => {
                        self.next += 1;
                        self.begin(step)?;
                    }
                    None => {
                        self.act = Act::Contents;
                        for client in self.backstage.names() {
                            self.order_contents(&client);
                        }
                    }
                },
                Act::Contents => {
                    if let Some((task, _)) = self.started.first_key_value() {
                        return Err(self.unexpected(format!("the call {task:?} was never joined")));
                    }
                    self.act = Act::Farewell;
                    self.transcript.mute(true);
                    for client in self.backstage.names() {
                        self.order_farewell(&client);
                    }
                }
                Act::Farewell => {
                    self.house.stop()?;
                    self.act = Act::Over;
                }
                Act::Over => return Ok(None),
            }
        }
    }

    /// What has to be there before the runner sees to an order.
    fn prepare(&self, order: &Order) {
        match order {
            Order::Open { client } => self.backstage.expect_open(client),
            // What it sets off comes after it.
            Order::Start {
                task,
                client,
                call,
                args,
            } => self.transcript.line(&json!({
                "step": self.step, "client": client, "call": call, "args": args, "started": task,
            })),
            _ => {}
        }
    }

    fn shown(&self, order: &Order) -> Json {
        match order {
            Order::Open { client } => json!({
                "order": "open", "client": client, "path": self.replica(client).display().to_string(),
                "options": {"sync_on_write": self.scenario.head.clients[client].sync_on_write},
            }),
            Order::Call {
                client, call, args, ..
            } => {
                json!({"order": "call", "client": client, "call": call, "args": args})
            }
            Order::Start {
                task,
                client,
                call,
                args,
            } => json!({"order": "start", "task": task, "client": client, "call": call, "args": args}),
            Order::Join(join) => json!({"order": "join", "task": join.join}),
            Order::Events { client, count } => json!({"order": "events", "client": client, "count": count}),
            Order::LetGo { client } => json!({"order": "let_go", "client": client}),
        }
    }

    /// The file of a client's replica.
    pub(super) fn replica(&self, client: &str) -> PathBuf {
        let of = self
            .scenario
            .head
            .clients
            .get(client)
            .and_then(|set_up| set_up.file.as_deref());
        self.folder
            .join("clients")
            .join(format!("{}.db", of.unwrap_or(client)))
    }

    fn set_up(&mut self) {
        let clients: Vec<_> = self.scenario.head.clients.clone().into_iter().collect();
        for (client, set_up) in clients {
            if set_up.open {
                self.order_open(&client);
            }
        }
    }

    /// Has a client opened, and connected if it is one of those.
    pub(super) fn order_open(&mut self, client: &str) {
        self.queue.push_back(Order::Open {
            client: client.to_owned(),
        });
        if self.scenario.head.clients[client].connect {
            let args = json!({"server_url": "$hub", "auth_token": "$token",
                "options": {"protocol": self.scenario.protocol}});
            let args = args.as_object().and_then(|args| self.names.object(args).ok());
            self.queue.push_back(Order::Call {
                client: client.to_owned(),
                call: "connect".to_owned(),
                args: args.unwrap_or_default(),
                of: Of::SetUp,
            });
        }
    }

    pub(super) fn order_contents(&mut self, client: &str) {
        for (call, args) in contents::calls(&self.scenario.protocol) {
            self.queue.push_back(Order::Call {
                client: client.to_owned(),
                call: call.to_owned(),
                args,
                of: Of::Contents,
            });
        }
    }

    pub(super) fn order_farewell(&mut self, client: &str) {
        self.queue.push_back(Order::Call {
            client: client.to_owned(),
            call: "shutdown".to_owned(),
            args: JsonObject::new(),
            of: Of::Farewell,
        });
        self.queue.push_back(Order::LetGo {
            client: client.to_owned(),
        });
    }

    fn begin(&mut self, step: Step) -> Result<(), StageError> {
        self.step += 1;
        self.clock.pass(self.scenario.head.tick_ms.saturating_mul(1_000));
        self.until = None;
        match step {
            Step::Call(call) => {
                self.need(&call.client)?;
                let args = self
                    .names
                    .object(&call.args)
                    .map_err(|problem| self.unexpected(problem))?;
                self.note(call.until.clone());
                let (client, word) = (call.client.clone(), call.call.clone());
                self.queue.push_back(match call.start.clone() {
                    Some(task) => Order::Start {
                        task,
                        client,
                        call: word,
                        args,
                    },
                    None => Order::Call {
                        client,
                        call: word,
                        args,
                        of: Of::Step(call),
                    },
                });
            }
            Step::Join(join) => {
                if !self.started.contains_key(&join.join) {
                    return Err(self.unexpected(format!("no call was started as {:?}", join.join)));
                }
                self.note(None);
                self.queue.push_back(Order::Join(join));
            }
            Step::Stage(step) => {
                self.note(None);
                self.perform(step)?;
            }
        }
        Ok(())
    }

    pub(super) fn need(&self, client: &str) -> Result<(), StageError> {
        if self.backstage.is_open(client) {
            return Ok(());
        }
        Err(self.unexpected(format!("the client {client:?} is not open")))
    }

    /// Remembers how things stand, and what must come before the step is over.
    pub(super) fn note(&mut self, until: Option<Until>) {
        self.before = Before {
            asked: self.door.asked(),
            count: until.as_ref().map_or(0, |until| self.count(until)),
        };
        self.until = until;
    }

    fn count(&self, until: &Until) -> u64 {
        match until {
            Until::Event { client, event } => self.backstage.told(client, event),
            Until::Waits { client, wait } => self.clock.begun(client, purpose(*wait)),
            Until::Held => 0,
        }
    }

    fn come(&self, until: &Until) -> bool {
        match until {
            Until::Held => self.door.is_holding(),
            Until::Waits {
                client,
                wait: Waiting::Interval,
            } => self.count(until) > self.before.count && self.is_planned(client),
            _ => self.count(until) > self.before.count,
        }
    }

    /// Whether what a background sync wrote down when it began to wait is there.
    pub(super) fn is_planned(&self, client: &str) -> bool {
        let lot = self.backstage.lot(client);
        let off = lot.map_or(0, |lot| lot.offset.load(std::sync::atomic::Ordering::Acquire));
        match self.clock.ends(client, Wait::Interval) {
            Some(then) => self.backstage.has_planned(client, then.saturating_add(off)),
            None => true,
        }
    }

    /// Clients with a call that was begun: what they tell is asked for when it is joined.
    pub(super) fn busy(&self) -> BTreeSet<String> {
        self.started.values().map(|(client, _)| client.clone()).collect()
    }

    /// Waits for what the step set off, and has what was told handed over.
    fn settle(&mut self) -> Result<(), StageError> {
        let come = match self.until.take() {
            Some(until) => self.await_this(&until),
            None => Ok(()),
        };
        let quiet = come.and_then(|()| self.wait_for_quiet());
        self.write_called();
        quiet?;
        for (client, count) in self.backstage.take_due(&self.busy()) {
            self.queue.push_back(Order::Events { client, count });
        }
        self.settled = true;
        Ok(())
    }

    pub(super) fn await_this(&self, until: &Until) -> Result<(), StageError> {
        if soon(|| self.backstage.listen() && self.come(until)) {
            return Ok(());
        }
        Err(self.stuck(format!("{until:?}")))
    }

    /// Waits for the end of every sync, also of those that nobody waits for yet: the
    /// clock must not move under them. One that is held at the door is left there.
    pub(super) fn wait_for_quiet(&self) -> Result<(), StageError> {
        let quiet = || self.backstage.listen() && (self.door.is_holding() || self.backstage.is_quiet());
        if soon(quiet) {
            return Ok(());
        }
        Err(self.stuck("the end of every sync"))
    }

    fn done(&mut self, answer: Json) -> Result<(), StageError> {
        let order = self
            .outstanding
            .take()
            .ok_or_else(|| StageError::runner("an answer without an order"))?;
        match order {
            Order::Open { client } => {
                let opened = self.backstage.has_opened();
                let answer = self.outcome(&answer)?;
                if opened != answer.contains_key("ok") {
                    return Err(StageError::runner(
                        "it was not the replica of the order that it opened, by the public `open`",
                    ));
                }
                self.write(json!({"client": client, "call": "open"}), &answer);
                if !opened {
                    // Nothing more can be asked of it.
                    self.queue
                        .retain(|order| !matches!(order, Order::Call { client: of, .. } if *of == client));
                }
            }
            Order::Call {
                client,
                call,
                args,
                of,
            } => {
                let answer = self.outcome(&answer)?;
                let line = json!({"client": client, "call": call, "args": args});
                self.called = Some(self.line(line, &answer));
                if !matches!(of, Of::Step(_)) {
                    self.write_called();
                }
                match of {
                    Of::Step(step) => {
                        let checked = self.check(&step, &answer);
                        if checked.is_err() {
                            self.write_called();
                        }
                        checked?;
                    }
                    Of::Contents => {
                        let found = answer.get("ok").unwrap_or(&Json::Null);
                        for (call, args) in contents::further(&call, found).into_iter().rev() {
                            self.queue.push_front(Order::Call {
                                client: client.clone(),
                                call: call.to_owned(),
                                args,
                                of: Of::Contents,
                            });
                        }
                    }
                    Of::SetUp | Of::Farewell => {}
                }
            }
            Order::Start {
                task, client, call, ..
            } => {
                self.outcome(&answer)?;
                self.started.insert(task, (client, call));
            }
            Order::Join(join) => {
                let answer = self.outcome(&answer)?;
                if let Some((client, call)) = self.started.remove(&join.join) {
                    self.write(
                        json!({"client": client, "call": call, "joined": join.join}),
                        &answer,
                    );
                }
                self.keep(join.name.as_deref(), &answer);
                self.compare(join.expect.as_ref(), &answer)?;
            }
            Order::Events { client, count } => {
                let answer = self.outcome(&answer)?;
                let events = answer
                    .get("ok")
                    .and_then(Value::as_array)
                    .cloned()
                    .unwrap_or_default();
                if events.len() != count {
                    let found = events.len();
                    return Err(StageError::runner(format!(
                        "{found} events, where {count} were asked for"
                    )));
                }
                for event in events {
                    self.transcript.line(&json!({"client": client, "event": event}));
                }
            }
            Order::LetGo { client } => {
                if !self.backstage.see_off(&client) {
                    return Err(self.stuck(format!("the end of {client}: something still holds the client")));
                }
                self.bury(&client)?;
            }
        }
        Ok(())
    }

    /// An answer's form: `ok` or `error`, and nothing else.
    fn outcome(&self, answer: &Json) -> Result<JsonObject, StageError> {
        match answer {
            Json::Object(fields)
                if fields.len() == 1 && (fields.contains_key("ok") || fields.contains_key("error")) =>
            {
                Ok(fields.clone())
            }
            other => Err(StageError::runner(format!(
                "an answer is {{\"ok\": …}} or {{\"error\": …}}, not {other}"
            ))),
        }
    }

    fn write(&self, line: Json, answer: &JsonObject) {
        self.transcript.line(&self.line(line, answer));
    }

    fn line(&self, mut line: Json, answer: &JsonObject) -> Json {
        if self.act == Act::Steps {
            line["step"] = Json::from(self.step);
        }
        for (name, value) in answer {
            line[name] = value.clone();
        }
        line
    }

    fn write_called(&mut self) {
        if let Some(line) = self.called.take() {
            self.transcript.line(&line);
        }
    }

    fn check(&mut self, step: &Call, answer: &JsonObject) -> Result<(), StageError> {
        self.keep(step.name.as_deref(), answer);
        self.compare(step.expect.as_ref(), answer)?;
        let asked = self.door.asked() - self.before.asked;
        match step.requests {
            Some(expected) if expected != asked => {
                Err(self.unexpected(format!("{asked} requests, expected {expected}")))
            }
            _ => Ok(()),
        }
    }

    pub(super) fn keep(&mut self, name: Option<&str>, answer: &JsonObject) {
        if let (Some(name), Some(found)) = (name, answer.get("ok")) {
            self.names.keep(name, found.clone());
        }
    }

    /// Compares with what is expected; a call of which nothing is expected must go well.
    pub(super) fn compare(&self, expected: Option<&Json>, answer: &JsonObject) -> Result<(), StageError> {
        let Some(expected) = expected else {
            return match answer.get("error") {
                Some(error) => Err(self.unexpected(format!("an error that is not expected: {error}"))),
                None => Ok(()),
            };
        };
        let expected = self
            .names
            .resolve(expected)
            .map_err(|problem| self.unexpected(problem))?;
        match expect::difference(&expected, &Json::Object(answer.clone())) {
            Some(difference) => Err(self.unexpected(difference)),
            None => Ok(()),
        }
    }

    pub(super) fn unexpected(&self, problem: impl Into<String>) -> StageError {
        StageError::Unexpected {
            step: self.step,
            problem: problem.into(),
        }
    }

    pub(super) fn stuck(&self, what: impl Into<String>) -> StageError {
        StageError::Stuck {
            step: self.step,
            what: what.into(),
        }
    }
}

fn purpose(wait: Waiting) -> Wait {
    match wait {
        Waiting::Interval => Wait::Interval,
        Waiting::Quiet => Wait::Quiet,
        Waiting::Patience => Wait::Patience,
    }
}
