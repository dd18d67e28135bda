//! One process that makes many edits through the public client, and says of
//! each that its call returned.
//!
//! Every command of `blowing-off` makes one edit, in one transaction; between a
//! first and a last commit there is nothing to be killed in. So the writing
//! process is what an app is: one client that stays open. It is this test
//! binary, started again with the one test below and told by the environment
//! what to write.
//!
//! Every edit carries a mark of its own that no later edit takes away: a new
//! key of a device's state, the name of a new record, the text of an event. So
//! an edit can be found in any version that descends from it.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;
use wildthing::client::{NewDevice, NewEvent, NewRoom, OpenOptions, WildThingClient};
use wildthing::model::{JsonObject, Kind, RecordId};

use super::victim::{Dice, Remains, Victim};

const DATABASE: &str = "CLI_KILL_DATABASE";
const RUN: &str = "CLI_KILL_RUN";
const EDITS: &str = "CLI_KILL_EDITS";
/// How many devices the writers quarrel about.
const SHARED_DEVICES: u64 = 12;

/// What every mark begins with, and how long all of them are.
const MARK: &str = "mark-";
const MARK_LENGTH: usize = 15;

/// The mark of edit `number` of a run.
pub(crate) fn mark(author: char, run: u32, number: u32) -> String {
    let mark = format!("{MARK}{author}{run:04}-{number:04}");
    assert_eq!(mark.len(), MARK_LENGTH);
    mark
}

/// Every mark in a text.
pub(crate) fn marks(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices(MARK)
        .filter_map(|(at, _)| text.get(at..at + MARK_LENGTH))
}

/// A writer's doings, as far as it told.
#[derive(Debug, Default)]
pub(crate) struct Told {
    /// Marks of edits that it confirmed.
    pub(crate) made: Vec<String>,
    /// Marks that a delete takes away, which was at least begun.
    pub(crate) doomed: Vec<String>,
    /// Rooms whose deletion it confirmed.
    pub(crate) deleted: Vec<String>,
    /// Whether it came to its end.
    pub(crate) done: bool,
}

impl Told {
    /// Takes in a line; true if it confirms an edit.
    pub(crate) fn hear(&mut self, line: &str) -> bool {
        let mut words = line.split('\t');
        match (words.next(), words.next()) {
            (Some("made"), Some(mark)) => self.made.push(mark.to_owned()),
            (Some("deleted"), Some(id)) => self.deleted.push(id.to_owned()),
            (Some("deleting"), Some(list)) => {
                self.doomed.extend(marks(list).map(str::to_owned));
                return false;
            }
            (Some("done"), None) => {
                self.done = true;
                return false;
            }
            // The test harness talks too.
            _ => return false,
        }
        true
    }

    /// Takes in what was left to read.
    pub(crate) fn hear_all(&mut self, remains: &Remains) {
        for line in &remains.lines {
            self.hear(line);
        }
    }
}

/// Starts a writer of `edits` edits on a database.
pub(crate) fn start(database: &Path, author: char, run: u32, edits: u32) -> Victim {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args([
            "--exact",
            "writer::the_writing_process",
            "--ignored",
            "--nocapture",
        ])
        .env(DATABASE, database)
        .env(RUN, format!("{author}{run}"))
        .env(EDITS, edits.to_string());
    Victim::start(command)
}

/// Runs a writer to its end.
pub(crate) fn run(database: &Path, author: char, run: u32, edits: u32) -> Told {
    let remains = start(database, author, run, edits).finish();
    assert_eq!(remains.code, Some(0), "{remains:?}");
    let mut told = Told::default();
    told.hear_all(&remains);
    assert!(told.done, "{remains:?}");
    told
}

#[test]
#[ignore = "the process that the other tests kill"]
fn the_writing_process() {
    let Some(database) = std::env::var_os(DATABASE) else {
        return;
    };
    let run = std::env::var(RUN).unwrap();
    let edits: u32 = std::env::var(EDITS).unwrap().parse().unwrap();
    let (author, run) = run.split_at(1);
    let writer = Writer {
        author: author.chars().next().unwrap(),
        run: run.parse().unwrap(),
        dice: Dice(run.parse().unwrap()),
        own_rooms: Vec::new(),
    };
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(writer.write(PathBuf::from(database), edits));
}

/// Says a line at once, past the capture of the test harness.
fn say(line: &str) {
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "{line}").unwrap();
    stdout.flush().unwrap();
}

fn object(mark: &str) -> JsonObject {
    json!({ mark: true }).as_object().unwrap().clone()
}

/// A room made in this run, and the marks in it.
struct OwnRoom {
    id: RecordId,
    marks: Vec<String>,
}

struct Writer {
    author: char,
    run: u32,
    dice: Dice,
    own_rooms: Vec<OwnRoom>,
}

impl Writer {
    async fn write(mut self, database: PathBuf, edits: u32) {
        let client = WildThingClient::open(database, OpenOptions::default())
            .await
            .unwrap();
        let house = client.get_house(None).await.unwrap().id;
        let mut devices: Vec<RecordId> = client
            .get_devices(None)
            .await
            .unwrap()
            .into_iter()
            // What writers made, writers delete.
            .filter(|device| !device.name.starts_with(MARK))
            .map(|device| device.id)
            .collect();
        devices.sort();
        for number in 0..edits {
            let mark = mark(self.author, self.run, number);
            let last = number + 1 == edits;
            let device = devices.get(self.dice.below(SHARED_DEVICES) as usize);
            match (self.dice.below(10), device) {
                // Always a new record in the end: whether it is there tells whether the end was reached.
                _ if last => self.make_room(&client, &house, mark).await,
                (0..=3, Some(device)) => set_state(&client, device, &mark).await,
                (4..=5, Some(device)) => log_event(&client, device, &mark).await,
                (6..=7, _) => self.make_device(&client, mark).await,
                (8, _) => self.delete_room(&client).await,
                _ => self.make_room(&client, &house, mark).await,
            }
        }
        say("done");
        client.shutdown().await;
    }

    async fn make_room(&mut self, client: &WildThingClient, house: &RecordId, mark: String) {
        let room = NewRoom::new(house.clone(), mark.clone());
        let room = client.create_room(room).await.unwrap();
        say(&format!("made\t{mark}"));
        self.own_rooms.push(OwnRoom {
            id: room.id,
            marks: vec![mark],
        });
    }

    async fn make_device(&mut self, client: &WildThingClient, mark: String) {
        let Some(room) = self.own_rooms.last_mut() else {
            return;
        };
        let device = NewDevice::new(room.id.clone(), mark.clone());
        client.create_device(device).await.unwrap();
        say(&format!("made\t{mark}"));
        room.marks.push(mark);
    }

    /// Takes a room away with the devices in it: several records in one transaction.
    async fn delete_room(&mut self, client: &WildThingClient) {
        let Some(room) = self.own_rooms.pop() else {
            return;
        };
        say(&format!("deleting\t{}", room.marks.join(",")));
        client.delete_room(room.id.clone()).await.unwrap();
        say(&format!("deleted\t{}", room.id));
    }
}

async fn set_state(client: &WildThingClient, device: &RecordId, mark: &str) {
    client
        .update_device_state(device.clone(), object(mark), None, false)
        .await
        .unwrap();
    say(&format!("made\t{mark}"));
}

async fn log_event(client: &WildThingClient, device: &RecordId, mark: &str) {
    let event = NewEvent {
        description: Some(mark.to_owned()),
        ..NewEvent::new("seen", Kind::Device, device.clone())
    };
    client.log_event(event).await.unwrap();
    say(&format!("made\t{mark}"));
}
