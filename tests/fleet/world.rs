//! One seeded world: its machines, and the loop that lets chance choose which
//! of all possible next steps is taken. What a step does is in `client`,
//! `network` and `edits`; what must hold is in `checks`.

use std::fmt::Arguments;

use wildthing::model::Key;
use wildthing::protocol::Protocol;

use crate::client::{Client, Doing};
use crate::clock::{DAY, MILLI, SECOND, SimSeam, TrueTime};
use crate::coverage::Coverage;
use crate::hub::Hub;
use crate::model::{Check, Model, Violation, broken};
use crate::network::{Flight, Leg};
use crate::rng::Rng;
use crate::schedule::{Action, Step};

/// How many steps with faults a seed takes, and how many calm ones it may take
/// to come to rest.
const MIN_STEPS: u64 = 170;
const MAX_CALM_STEPS: u64 = 4_000;
/// Whole rounds of calm syncs after which everything must be at rest.
const MAX_ROUNDS: u32 = 6;

pub struct World {
    pub rng: Rng,
    pub time: TrueTime,
    pub hub: Hub,
    pub hub_seam: std::sync::Arc<SimSeam>,
    pub hub_down: bool,
    /// The hub runs, but answers mostly 500, 503 and 429.
    pub hub_sick: bool,
    pub clients: Vec<Client>,
    pub wire: Vec<Flight>,
    pub next_flight: u64,
    pub names: u64,
    /// The record that was edited last: edits of one record meet more often so.
    pub hot: Option<Key>,
    pub model: Model,
    pub cover: Coverage,
    pub calm: bool,
    /// The first request that nothing may happen to.
    pub calm_since: u64,
    pub verbose: bool,
    /// What happened, for eyes, if wanted.
    pub story: Option<Vec<String>>,
    /// What was done, so far.
    pub taken: Vec<Step>,
    seed: u64,
    trace: u64,
}

pub fn odd(problem: impl std::fmt::Display) -> Violation {
    Violation {
        invariant: "nothing unexpected",
        message: problem.to_string(),
    }
}

impl World {
    pub fn new(protocol: Protocol, seed: u64, verbose: bool) -> Check<Self> {
        let mut rng = Rng::new(seed);
        let time = TrueTime::new();
        let tick = *rng.pick(&[1, MILLI, 250 * MILLI, 500 * MILLI]).unwrap_or(&1);
        let hub_seam = SimSeam::new(&time, rng.between(-DAY, DAY), 1, rng.fork());
        let page = 2 + rng.index(5);
        let hub = Hub::new(protocol, &hub_seam, page, &mut rng)?;
        let count = 2 + rng.index(4);
        let mut clients = Vec::new();
        for index in 0..count {
            let skew = match rng.below(4) {
                0 => 0,
                1 => rng.between(-3, 3) * 500 * MILLI,
                2 => rng.between(-3, 3) * DAY,
                _ => rng.between(-5 * SECOND, 5 * SECOND),
            };
            let seam = SimSeam::new(&time, skew - skew.rem_euclid(tick), tick, rng.fork());
            let processes = 1 + rng.index(2);
            clients.push(Client::new(protocol, index, processes, seam, &mut rng)?);
        }
        Ok(Self {
            rng,
            time,
            hub,
            hub_seam,
            hub_down: false,
            hub_sick: false,
            clients,
            wire: Vec::new(),
            next_flight: 0,
            names: 0,
            hot: None,
            model: Model::default(),
            cover: Coverage::default(),
            calm: true,
            calm_since: 0,
            verbose,
            story: None,
            taken: Vec::new(),
            seed,
            trace: 0xcbf2_9ce4_8422_2325,
        })
    }

    /// Notes what happens: into the fingerprint of the run, and for eyes if wanted.
    pub fn note(&mut self, what: Arguments<'_>) {
        use std::fmt::Write as _;
        let mut line = String::new();
        let _ = write!(line, "{what}");
        for byte in line.bytes() {
            self.trace = (self.trace ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        if self.verbose {
            println!(
                "{:>4} {:>12} {line}",
                self.taken.len(),
                self.time.now() % (100 * DAY) / MILLI
            );
        }
        if let Some(story) = &mut self.story {
            story.push(format!("{:>4} {line}", self.taken.len()));
        }
    }

    /// The whole life of one world, with the steps given or else what chance chooses.
    /// The fingerprint tells two runs apart.
    pub fn run(&mut self, steps: Option<&[Step]>) -> Check<u64> {
        self.furnish()?;
        self.calm = false;
        match steps {
            Some(steps) => {
                for step in steps {
                    self.pass(step.pause)?;
                    if self.possible().iter().any(|(_, action)| *action == step.action) {
                        self.take(step.clone())?;
                    }
                }
            }
            None => {
                for _ in 0..MIN_STEPS + self.rng.below(35) * self.clients.len() as u64 {
                    self.step()?;
                }
            }
        }
        // How it ends is the same for the same world, whatever happened in it.
        self.rng = Rng::new(!self.seed);
        self.faults_stop()?;
        self.check_end()?;
        Ok(self.trace)
    }

    /// A small house that most replicas know before trouble begins.
    fn furnish(&mut self) -> Check {
        for _ in 0..5 {
            self.foreign_edit()?;
        }
        for client in 0..self.clients.len() {
            if self.rng.permille(700) {
                self.start(client, 0)?;
            }
        }
        self.rest()
    }

    /// Whether the house is a graph.
    pub fn is_graph(&self) -> bool {
        matches!(self.hub, Hub::Graph(_))
    }

    /// Lets time pass. No transaction of the hub takes longer than clients allow for.
    pub fn pass(&mut self, micros: i64) -> Check {
        if self
            .hub
            .commits_by()
            .is_some_and(|by| self.time.now() + micros > by)
        {
            self.commit()?;
        }
        self.time.advance(micros);
        Ok(())
    }

    fn step(&mut self) -> Check {
        let pause = match self.rng.below(100) {
            0..30 => 0,
            30..50 => self.rng.between(1, MILLI),
            50..80 => self.rng.between(1, 300) * MILLI,
            80..92 => self.rng.between(1, 12) * 250 * MILLI,
            92..99 => self.rng.between(1, 20) * SECOND,
            _ => self.rng.between(20, 90) * SECOND,
        };
        self.pass(pause)?;
        let actions = self.possible();
        let Some(action) = self.choose(&actions) else {
            return Ok(());
        };
        let chance = self.rng.bits();
        self.take(Step {
            pause,
            action,
            chance,
        })
    }

    /// A step whose pause is over, with a chance of its own.
    fn take(&mut self, step: Step) -> Check {
        let outer = std::mem::replace(&mut self.rng, Rng::new(step.chance));
        let action = step.action;
        self.taken.push(step);
        let done = self.act(action);
        self.rng = outer;
        done
    }

    fn choose(&mut self, actions: &[(u64, Action)]) -> Option<Action> {
        let total = actions.iter().map(|(weight, _)| weight).sum();
        let mut ticket = self.rng.below(total);
        for (weight, action) in actions {
            if ticket < *weight {
                return Some(*action);
            }
            ticket -= weight;
        }
        None
    }

    fn possible(&self) -> Vec<(u64, Action)> {
        let mut actions = vec![
            (150, Action::Edit),
            (25, Action::RivalEdit),
            (12, Action::ForeignEdit),
            (8, Action::StepClock),
            (20, Action::Jump),
            (if self.hub_sick { 60 } else { 3 }, Action::HubSick),
        ];
        if !self.is_graph() {
            actions.push((3, Action::NewEpoch));
        }
        if self.hub.is_committing() {
            actions.push((40, Action::Commit));
        }
        actions.push(if self.hub_down {
            (60, Action::HubUp)
        } else {
            (4, Action::HubDown)
        });
        for client in &self.clients {
            for (index, process) in client.processes.iter().enumerate() {
                let at = (client.index, index);
                match &process.doing {
                    // Mostly one syncs at a time; rivals are for the rare cases.
                    Doing::Idle => {
                        let alone = client
                            .processes
                            .iter()
                            .all(|other| matches!(other.doing, Doing::Idle));
                        let free = client.haunted_until <= self.time.now();
                        let weight = if alone && free { 40 } else { 6 };
                        actions.push((weight, Action::Start(at.0, at.1)));
                    }
                    Doing::Ready(_) => {
                        actions.push((400, Action::Advance(at.0, at.1)));
                        actions.push((5, Action::Kill(at.0, at.1)));
                    }
                    Doing::Asking(attempt) => {
                        let way = self.wire.iter().find(|flight| flight.id == *attempt);
                        let weight = match way {
                            None => 200,
                            Some(flight) if flight.held => 30,
                            Some(_) => 2,
                        };
                        actions.push((weight, Action::GiveUp(at.0, at.1)));
                        let stuck = way.is_some_and(|flight| flight.held);
                        actions.push((if stuck { 20 } else { 5 }, Action::Kill(at.0, at.1)));
                        actions.push((1, Action::Cancel(at.0, at.1)));
                    }
                    Doing::Waiting(until) => {
                        let due = *until <= self.time.now();
                        actions.push((if due { 200 } else { 20 }, Action::Wake(at.0, at.1)));
                        actions.push((2, Action::Kill(at.0, at.1)));
                        actions.push((1, Action::Cancel(at.0, at.1)));
                    }
                }
            }
        }
        for (index, flight) in self.wire.iter().enumerate() {
            let weight = match (flight.held, &flight.leg) {
                (true, _) => 5,
                (false, Leg::Out(_)) => 300,
                (false, Leg::Back(_)) => 400,
            };
            actions.push((weight, self.carrying(index)));
        }
        actions
    }

    /// To carry one of the messages on their way, named by who sent it.
    fn carrying(&self, index: usize) -> Action {
        let at = |flight: &Flight| (flight.client, flight.process);
        let (client, process) = at(&self.wire[index]);
        let earlier = self.wire[..index].iter();
        let nth = earlier.filter(|flight| at(flight) == (client, process)).count();
        Action::Carry(client, process, nth)
    }

    /// The place of a message among all that are on their way.
    fn carried(&self, client: usize, process: usize, nth: usize) -> Option<usize> {
        let mut theirs = (0..self.wire.len())
            .filter(|index| (self.wire[*index].client, self.wire[*index].process) == (client, process));
        theirs.nth(nth)
    }

    fn act(&mut self, action: Action) -> Check {
        match action {
            Action::Start(client, process) => self.start(client, process),
            Action::Advance(client, process) => self.advance(client, process),
            Action::Kill(client, process) => {
                self.cover.hit("fault: process killed between steps");
                self.kill(client, process);
                Ok(())
            }
            Action::Cancel(client, process) => self.cancel(client, process),
            Action::GiveUp(client, process) => self.give_up(client, process),
            Action::Wake(client, process) => self.wake(client, process),
            Action::Carry(client, process, nth) => match self.carried(client, process, nth) {
                Some(index) => self.carry(index),
                None => Ok(()),
            },
            Action::Edit => self.local_edit(),
            Action::RivalEdit => self.rival_edit(),
            Action::ForeignEdit => self.foreign_edit(),
            Action::StepClock => self.step_clock(),
            Action::HubDown => {
                self.note(format_args!("hub down"));
                self.cover.hit("fault: hub killed between steps");
                self.hub_goes_down();
                Ok(())
            }
            Action::HubUp => {
                self.note(format_args!("hub up"));
                self.hub_down = false;
                Ok(())
            }
            Action::HubSick => {
                self.hub_sick = !self.hub_sick;
                let sick = self.hub_sick;
                self.note(format_args!("hub sick: {sick}"));
                Ok(())
            }
            Action::NewEpoch => {
                self.note(format_args!("hub epoch renewed"));
                self.cover.hit("fault: hub epoch renewed");
                for client in &mut self.clients {
                    for process in &mut client.processes {
                        process.blame.replaced = true;
                    }
                }
                self.hub.plain_mut()?.new_epoch().map(drop).map_err(odd)
            }
            Action::Commit => self.commit(),
            Action::Jump => {
                let span = match self.rng.below(10) {
                    0 => self.rng.between(1, 2) * DAY,
                    1..4 => self.rng.between(10, 90) * 60 * SECOND,
                    _ => self.rng.between(100, 200) * SECOND,
                };
                self.note(format_args!("time passes"));
                self.pass(span)
            }
        }
    }

    fn step_clock(&mut self) -> Check {
        let days = self.rng.between(1, 3) * DAY;
        let whole = self.rng.between(1, 20) * SECOND;
        let way = if self.rng.permille(600) { -1 } else { 1 };
        let by = way * if self.rng.permille(400) { days } else { whole };
        if self.rng.permille(250) && !self.hub.tells_its_clock() {
            self.note(format_args!("hub clock steps"));
            self.hub_seam.step(by);
            if by < 0 {
                self.cover.hit("fault: hub clock stepped back");
            }
            return Ok(());
        }
        let client = self.rng.index(self.clients.len());
        self.note(format_args!("clock {client} steps"));
        self.clients[client].seam.step(by);
        if by <= -DAY {
            self.cover.hit("fault: clock stepped back by days");
        }
        Ok(())
    }

    /// Lets everything that runs come to its end, without faults.
    pub fn rest(&mut self) -> Check {
        for _ in 0..MAX_CALM_STEPS {
            let mut actions = Vec::new();
            for client in &self.clients {
                for (index, process) in client.processes.iter().enumerate() {
                    actions.extend(match &process.doing {
                        Doing::Idle => None,
                        Doing::Ready(_) => Some((10, Action::Advance(client.index, index))),
                        Doing::Waiting(_) => Some((1, Action::Wake(client.index, index))),
                        Doing::Asking(attempt) => (!self.wire.iter().any(|flight| flight.id == *attempt))
                            .then_some((10, Action::GiveUp(client.index, index))),
                    });
                }
            }
            actions.extend((0..self.wire.len()).map(|index| (10, self.carrying(index))));
            match self.choose(&actions) {
                Some(action) => self.act(action)?,
                None => return Ok(()),
            }
            self.pass(MILLI)?;
        }
        broken("7 liveness", "syncs go on for ever though nothing fails")
    }

    /// Everything is healed; finitely many syncs must bring rest.
    fn faults_stop(&mut self) -> Check {
        self.calm = true;
        self.calm_since = self.next_flight;
        self.hub_down = false;
        self.hub_sick = false;
        self.note(format_args!("faults stop"));
        self.commit()?;
        self.rest()?;
        let retry = self.rng.permille(500);
        for round in 0..MAX_ROUNDS {
            // Leases of the dead run out, and edges are looked for again.
            self.pass(if self.is_graph() { 700 } else { 200 } * SECOND)?;
            let generations = self.standing()?;
            if round == 0 && retry {
                for client in 0..self.clients.len() {
                    self.retry_failed(client)?;
                }
            }
            let mut order: Vec<usize> = (0..self.clients.len()).collect();
            self.rng.shuffle(&mut order);
            for client in order {
                let process = self.rng.index(self.clients[client].processes.len());
                self.start(client, process)?;
                if self.rng.permille(500) {
                    self.rest()?;
                }
            }
            self.rest()?;
            if round > 1 && generations == self.standing()? {
                return self.check_failed_entries(retry);
            }
        }
        broken(
            "7 liveness",
            format!("after {MAX_ROUNDS} rounds of syncs without faults something still moves"),
        )
    }
}
