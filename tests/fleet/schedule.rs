//! A schedule: what happened in a world, step by step, as a file that people read
//! and the fleet takes again. Chance draws one for a seed; `shrink` makes it short.
//! What a step does is in `world`.
//!
//! ```text
//! protocol v2
//! seed 74
//! breaks 6 convergence
//! +300000 advance 0 1 #17
//! ```
//!
//! A step is how many microseconds pass before it, what is done, to which client's
//! which process, and the seed of what chance has a say in meanwhile. A step that is
//! not possible is passed over, so that any part of a schedule is a schedule.
//! Lines that begin with `#` are for people.

use std::fmt;
use std::str::FromStr;

use wildthing::protocol::Protocol;

/// What may happen next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    Start(usize, usize),
    Advance(usize, usize),
    Kill(usize, usize),
    Cancel(usize, usize),
    GiveUp(usize, usize),
    Wake(usize, usize),
    /// A leg of the n-th message of a process that is on its way.
    Carry(usize, usize, usize),
    Edit,
    RivalEdit,
    ForeignEdit,
    StepClock,
    HubDown,
    HubUp,
    HubSick,
    NewEpoch,
    Commit,
    Jump,
}

/// One thing that happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// How many microseconds pass first.
    pub pause: i64,
    pub action: Action,
    /// Seeds what the action draws.
    pub chance: u64,
}

/// A world and what happens in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    pub protocol: Protocol,
    /// Decides who is there and what they know to begin with.
    pub seed: u64,
    /// The promise that it breaks, or broke before a bug was mended.
    pub breaks: String,
    pub steps: Vec<Step>,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Action::Start(client, process) => write!(f, "start {client} {process}"),
            Action::Advance(client, process) => write!(f, "advance {client} {process}"),
            Action::Kill(client, process) => write!(f, "kill {client} {process}"),
            Action::Cancel(client, process) => write!(f, "cancel {client} {process}"),
            Action::GiveUp(client, process) => write!(f, "give-up {client} {process}"),
            Action::Wake(client, process) => write!(f, "wake {client} {process}"),
            Action::Carry(client, process, nth) => write!(f, "carry {client} {process} {nth}"),
            Action::Edit => f.write_str("edit"),
            Action::RivalEdit => f.write_str("rival-edit"),
            Action::ForeignEdit => f.write_str("foreign-edit"),
            Action::StepClock => f.write_str("step-clock"),
            Action::HubDown => f.write_str("hub-down"),
            Action::HubUp => f.write_str("hub-up"),
            Action::HubSick => f.write_str("hub-sick"),
            Action::NewEpoch => f.write_str("new-epoch"),
            Action::Commit => f.write_str("commit"),
            Action::Jump => f.write_str("jump"),
        }
    }
}

impl FromStr for Action {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut words = text.split_whitespace();
        let verb = words.next().unwrap_or_default();
        let numbers: Result<Vec<usize>, _> = words.map(str::parse).collect();
        let numbers = numbers.map_err(|error| format!("{text}: {error}"))?;
        Ok(match (verb, numbers.as_slice()) {
            ("start", [client, process]) => Action::Start(*client, *process),
            ("advance", [client, process]) => Action::Advance(*client, *process),
            ("kill", [client, process]) => Action::Kill(*client, *process),
            ("cancel", [client, process]) => Action::Cancel(*client, *process),
            ("give-up", [client, process]) => Action::GiveUp(*client, *process),
            ("wake", [client, process]) => Action::Wake(*client, *process),
            ("carry", [client, process, nth]) => Action::Carry(*client, *process, *nth),
            ("edit", []) => Action::Edit,
            ("rival-edit", []) => Action::RivalEdit,
            ("foreign-edit", []) => Action::ForeignEdit,
            ("step-clock", []) => Action::StepClock,
            ("hub-down", []) => Action::HubDown,
            ("hub-up", []) => Action::HubUp,
            ("hub-sick", []) => Action::HubSick,
            ("new-epoch", []) => Action::NewEpoch,
            ("commit", []) => Action::Commit,
            ("jump", []) => Action::Jump,
            _ => return Err(format!("no such step: {text}")),
        })
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "+{} {} #{}", self.pause, self.action, self.chance)
    }
}

impl FromStr for Step {
    type Err = String;

    fn from_str(line: &str) -> Result<Self, String> {
        let parts = line
            .strip_prefix('+')
            .and_then(|rest| rest.split_once(' '))
            .and_then(|(pause, rest)| Some((pause, rest.rsplit_once('#')?)));
        let Some((pause, (action, chance))) = parts else {
            return Err(format!("not a step: {line}"));
        };
        Ok(Self {
            pause: pause.parse().map_err(|error| format!("{line}: {error}"))?,
            action: action.parse()?,
            chance: chance.parse().map_err(|error| format!("{line}: {error}"))?,
        })
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "protocol {}", self.protocol.as_str())?;
        writeln!(f, "seed {}", self.seed)?;
        writeln!(f, "breaks {}", self.breaks)?;
        self.steps.iter().try_for_each(|step| writeln!(f, "{step}"))
    }
}

impl FromStr for Schedule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (mut protocol, mut seed, mut breaks, mut steps) = (None, None, String::new(), Vec::new());
        for line in text.lines().map(str::trim) {
            match line.split_once(' ') {
                _ if line.is_empty() || line.starts_with('#') => {}
                Some(("protocol", word)) => protocol = Protocol::parse(word),
                Some(("seed", number)) => seed = number.parse().ok(),
                Some(("breaks", words)) => words.clone_into(&mut breaks),
                _ => steps.push(line.parse()?),
            }
        }
        Ok(Self {
            protocol: protocol.ok_or("no line says `protocol v1` or `protocol v2`")?,
            seed: seed.ok_or("no line says `seed` and a number")?,
            breaks,
            steps,
        })
    }
}
