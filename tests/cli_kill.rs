//! `kill -9` of processes that sync and that write: whatever a process had
//! confirmed is on the hub or in a journal in the end.
//!
//! A kill counts when it fell between the first and the last commit of the
//! process, which the files tell: the tests go on until enough have. The moment
//! is random, some way after something was seen in a file or on stdout.

#![cfg(all(feature = "cli", feature = "hub", unix))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod cli_support;
#[path = "cli_kill/house.rs"]
mod house;
#[path = "cli_kill/syncs.rs"]
mod syncs;
#[path = "cli_kill/victim.rs"]
mod victim;
#[path = "cli_kill/writer.rs"]
mod writer;

use std::path::PathBuf;
use std::time::Duration;

use cli_support::Shell;
use house::{
    Account, Hub, Observer, account, assert_agree, assert_sound, database, marks_here, reopen, standing,
};
use syncs::{Aim, SyncKills, kill_a_sync};
use victim::{Dice, Victim};
use writer::Told;

/// How many kills must have fallen between the first and the last commit.
const KILLS: usize = 50;
/// After so many processes the aim is bad, and the test fails instead of going
/// on; but what was lost is told first.
const MOST_ROUNDS: u32 = 150;

/// A replica whose processes get killed, and another that quarrels with it.
struct Houses {
    hub: Hub,
    here: Shell,
    there: Shell,
    told: Vec<Told>,
    runs: u32,
}

impl Houses {
    /// Both replicas exist; the one here was made offline and has not met the hub.
    fn new(entities: &str) -> Self {
        let hub = Hub::start(entities);
        let (here, there) = (Shell::new(), Shell::new());
        here.run(&["house", "create", "--name", "Attic"]).ok();
        hub.connect(&here);
        hub.connect(&there);
        there.run(&["sync"]).ok();
        Self {
            hub,
            here,
            there,
            told: Vec::new(),
            runs: 0,
        }
    }

    fn database(&self) -> PathBuf {
        database(&self.here)
    }

    fn next_run(&mut self) -> u32 {
        self.runs += 1;
        self.runs
    }

    /// Edits here, by a process that is left to its end.
    fn write_here(&mut self, edits: u32) {
        let run = self.next_run();
        let told = writer::run(&self.database(), 'h', run, edits);
        self.told.push(told);
    }

    /// Edits elsewhere, of the same devices, and on the hub.
    fn write_there(&mut self, edits: u32) {
        let run = self.next_run();
        let told = writer::run(&database(&self.there), 't', run, edits);
        self.told.push(told);
        self.there.run(&["sync"]).ok();
    }

    /// Syncs all there is to sync, and looks for every edit.
    fn settle(mut self) -> Account {
        for shell in [&self.here, &self.there, &self.here, &self.there] {
            shell.run(&["sync"]).ok();
        }
        self.hub.stop();
        let hub = self.hub.database();
        let replicas = [database(&self.here), database(&self.there)];
        let account = account(&hub, &replicas, &self.told);
        println!(
            "{} edits confirmed: {} on the hub, {} in a journal, {} deleted by their author, {} missing",
            account.confirmed,
            account.on_the_hub,
            account.in_a_journal,
            account.deleted_since,
            account.missing.len()
        );
        assert!(account.missing.is_empty(), "lost: {:?}", account.missing);
        for replica in &replicas {
            assert_sound(replica);
            assert_agree(&hub, replica);
        }
        account
    }
}

#[test]
fn what_was_confirmed_outlives_killed_syncs() {
    let mut houses = Houses::new("1500");
    let mut dice = Dice(0x5eed);
    let mut kills = SyncKills::default();
    let mut rounds = 0;
    houses.write_here(60);
    while kills.between() < KILLS && rounds < MOST_ROUNDS {
        rounds += 1;
        houses.write_here(12);
        if rounds % 3 == 0 {
            houses.write_there(30);
        }
        let aims = [Aim::Pulled, Aim::Pulled, Aim::Sent, Aim::Sent, Aim::Settled];
        let (aim, dawdle) = match aims.get(dice.below(6) as usize) {
            Some(aim) => (Some(*aim), [0, 1, 4, 12][dice.below(4) as usize]),
            None => (None, 120),
        };
        let dawdle = Duration::from_millis(dawdle);
        kill_a_sync(&houses.here, aim, dawdle, &mut dice, &mut kills);
    }
    println!("{} of {rounds} killed syncs counted: {kills:?}", kills.between());
    let account = houses.settle();
    assert!(kills.between() >= KILLS && kills.takeovers > 0, "{kills:?}");
    assert!(account.on_the_hub > 0 && account.in_a_journal > 0, "{account:?}");
}

#[test]
fn a_first_sync_goes_on_where_it_was_killed() {
    let mut hub = Hub::start("2000");
    let mut dice = Dice(0xf125);
    let mut kills = SyncKills::default();
    let mut told = Vec::new();
    let shells: Vec<Shell> = (0..4).map(|_| Shell::new()).collect();
    for (run, shell) in (0..).zip(&shells) {
        shell.run(&["house", "create", "--name", "Attic"]).ok();
        hub.connect(shell);
        told.push(writer::run(&database(shell), 'f', run, 20));
        for _ in 0..8 {
            let aim = [Aim::Begun, Aim::Pulled][dice.below(2) as usize];
            let dawdle = Duration::from_millis([5, 40, 150][dice.below(3) as usize]);
            kill_a_sync(shell, Some(aim), dawdle, &mut dice, &mut kills);
        }
    }
    println!("{} killed first syncs counted: {kills:?}", kills.between());
    for _ in 0..2 {
        for shell in &shells {
            shell.run(&["sync"]).ok();
        }
    }
    hub.stop();
    let replicas: Vec<PathBuf> = shells.iter().map(database).collect();
    let account = account(&hub.database(), &replicas, &told);
    assert!(
        account.missing.is_empty() && account.on_the_hub > 0,
        "{account:?}"
    );
    for replica in &replicas {
        assert_sound(replica);
        assert_agree(&hub.database(), replica);
    }
    assert!(kills.after_begin > 0 && kills.after_a_page > 0, "{kills:?}");
}

/// Where the killed writers were.
#[derive(Debug, Default)]
struct WriteKills {
    before_the_first: usize,
    between: usize,
    after_the_last: usize,
    /// How many of those in between had an edit written and not confirmed.
    unconfirmed: usize,
}

/// Kills a writer of many edits after some of them.
fn kill_a_writer(houses: &mut Houses, dice: &mut Dice, kills: &mut WriteKills) {
    const EDITS: u32 = 50;
    let run = houses.next_run();
    let path = houses.database();
    let victim = writer::start(&path, 'h', run, EDITS);
    let mut told = Told::default();
    let mut confirmed = dice.below(u64::from(EDITS) - 10);
    while confirmed > 0 {
        match victim.line() {
            Some(line) => confirmed -= u64::from(told.hear(&line)),
            None => break,
        }
    }
    dice.dawdle(Duration::from_millis(6));
    let remains = victim.kill();
    told.hear_all(&remains);
    assert!(remains.code.is_none_or(|code| code == 0), "{remains:?}");
    reopen(&houses.here);

    let here = marks_here(&path);
    let lost: Vec<_> = told
        .made
        .iter()
        .filter(|mark| !here.contains(*mark) && !told.doomed.contains(mark))
        .collect();
    assert!(lost.is_empty(), "not there after the kill: {lost:?}");
    let unconfirmed = (0..EDITS)
        .map(|number| writer::mark('h', run, number))
        .filter(|mark| here.contains(mark) && !told.made.contains(mark))
        .count();
    if here.contains(&writer::mark('h', run, EDITS - 1)) {
        kills.after_the_last += 1;
    } else if told.made.is_empty() && unconfirmed == 0 {
        kills.before_the_first += 1;
    } else {
        kills.between += 1;
        kills.unconfirmed += unconfirmed.min(1);
    }
    houses.told.push(told);
}

#[test]
fn what_was_confirmed_outlives_killed_writers() {
    let mut houses = Houses::new("300");
    houses.here.run(&["sync"]).ok();
    let mut dice = Dice(0x3d17);
    let mut kills = WriteKills::default();
    let mut rounds = 0;
    let mut daemon = None;
    while kills.between < KILLS && rounds < MOST_ROUNDS {
        rounds += 1;
        if rounds % 8 == 0 {
            houses.write_there(20);
            houses.here.run(&["sync"]).ok();
        }
        // The first half alone with the file, the second beside a process that syncs it.
        if kills.between >= KILLS / 2 && daemon.is_none() {
            daemon = Some(houses.here.start(&["sync-daemon", "--interval", "1"]));
        }
        kill_a_writer(&mut houses, &mut dice, &mut kills);
    }
    println!("{} of {rounds} killed writers counted: {kills:?}", kills.between);
    if let Some(daemon) = daemon {
        assert_eq!(daemon.stop("TERM"), Some(0));
    }
    let account = houses.settle();
    assert!(kills.between >= KILLS, "{kills:?}");
    assert!(account.on_the_hub > 0 && account.in_a_journal > 0, "{account:?}");
}

/// Where the killed commands were.
#[derive(Debug, Default)]
struct CommandKills {
    before_the_commit: usize,
    unconfirmed: usize,
    confirmed: usize,
}

#[test]
fn what_a_command_printed_outlives_it() {
    let mut houses = Houses::new("300");
    houses.here.run(&["sync"]).ok();
    houses.write_there(60);
    let path = houses.database();
    let mut dice = Dice(0xc0de);
    let mut kills = CommandKills::default();
    let mut told = Told::default();
    for number in 0..80 {
        let mark = writer::mark('c', 1, number);
        let state = format!("{{\"{mark}\": true}}");
        let arguments: &[&str] = match dice.below(3) {
            0 => &["room", "create", "--house-id", "house-1", "--name", &mark],
            1 => &[
                "event",
                "log",
                "--type",
                "seen",
                "--entity-id",
                "device-123",
                "--description",
                &mark,
            ],
            _ => &["device", "set-state", "device-123", &state],
        };
        let (mut victim, before) = (Victim::command(&houses.here, arguments), standing(&path));
        // Now and then at any moment, else about when it commits.
        if dice.below(4) > 0 {
            let observer = Observer::of(&path);
            while victim.runs() && observer.standing().edits == before.edits {
                std::thread::yield_now();
            }
            dice.dawdle(Duration::from_millis(2));
        } else {
            dice.dawdle(Duration::from_millis(60));
        }
        let remains = victim.kill();
        assert!(remains.code.is_none_or(|code| code == 0), "{remains:?}");
        let printed = remains.lines.iter().any(|line| line.contains(&mark));
        assert!(printed || remains.code.is_none(), "{remains:?}");
        reopen(&houses.here);
        match (marks_here(&path).contains(&mark), printed) {
            (true, true) => kills.confirmed += 1,
            (true, false) => kills.unconfirmed += 1,
            (false, false) => kills.before_the_commit += 1,
            (false, true) => panic!("printed and not there after the kill: {mark}"),
        }
        if printed {
            told.made.push(mark);
        }
    }
    println!("killed commands: {kills:?}");
    assert!(kills.unconfirmed > 0 && kills.confirmed > 0, "{kills:?}");
    houses.told.push(told);
    assert!(houses.settle().on_the_hub > 0);
}
