//! Several processes on one database: it opens for all of them, every edit is
//! taken, whatever the others are doing, and every one arrives.

#![cfg(all(feature = "cli", feature = "hub", unix))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod cli_support;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Barrier;

use cli_support::{Running, Shell, TOKEN};
use rusqlite::{Connection, OpenFlags};
use wildthing::seam::RealSeam;
use wildthing::store::{Store, StoreOptions};

/// How many edits each of the two makes.
const EDITS: u32 = 200;

/// An edit's mark, found in any version that descends from it.
fn mark(author: char, number: u32) -> String {
    format!("mark-{author}{number:03}")
}

/// Runs one command an edit; every one must be taken, and have said so.
fn write(shell: &Shell, devices: &[String], author: char) {
    for number in 0..EDITS {
        let mark = mark(author, number);
        // The same devices as the other's: neither may undo what the other wrote.
        let device = &devices[number as usize / 3 % devices.len()];
        let state = format!("{{\"{mark}\": {number}}}");
        let arguments: &[&str] = match number % 3 {
            0 => &["device", "set-state", device, &state],
            1 => &["room", "create", "--house-id", "house-1", "--name", &mark],
            _ => &[
                "event",
                "log",
                "--type",
                "seen",
                "--entity-id",
                device,
                "--description",
                &mark,
            ],
        };
        let printed = shell.run(arguments).ok().stdout;
        assert!(printed.contains(&mark), "{printed}");
    }
}

fn look(path: &Path) -> Connection {
    Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap()
}

fn number(path: &Path, sql: &str) -> i64 {
    look(path).query_row(sql, [], |row| row.get(0)).unwrap()
}

/// Every text that `sql` finds, in one.
fn texts(path: &Path, sql: &str) -> String {
    let connection = look(path);
    let mut statement = connection.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| row.get::<_, String>(0)).unwrap();
    rows.map(Result::unwrap).collect()
}

/// Reads the daemon's lines up to a sync after which nothing waits. Returns how
/// many of its syncs sent something.
fn drain(daemon: &Running, database: &Path) -> usize {
    let mut sent = 0;
    loop {
        let line = daemon.line();
        assert!(line.starts_with("synced "), "{line}");
        sent += usize::from(!line.contains(" 0 pushed"));
        if number(database, "SELECT count(*) FROM outbox") == 0 {
            return sent;
        }
    }
}

#[test]
fn two_shells_write_while_a_daemon_syncs() {
    let (home, shell) = (Shell::new(), Shell::new());
    let serve = [
        "serve",
        "--sample",
        "300",
        "--listen",
        "127.0.0.1:0",
        "--db",
        "hub.db",
    ];
    let server = home.start(&[&serve[..], &["--auth-token", TOKEN]].concat());
    let line = server.line();
    let url = line.strip_prefix("listening on ").unwrap();
    shell
        .run(&["connect", "--server-url", url, "--auth-token", TOKEN])
        .ok();
    shell.run(&["sync"]).ok();
    let devices = shell.json(&["device", "list"]);
    let devices: Vec<String> = devices.as_array().unwrap()[..20]
        .iter()
        .map(|device| device["id"].as_str().unwrap().to_owned())
        .collect();

    let daemon = shell.start(&["sync-daemon", "--interval", "1"]);
    daemon.line();
    std::thread::scope(|both| {
        both.spawn(|| write(&shell, &devices, 'a'));
        both.spawn(|| write(&shell, &devices, 'b'));
    });
    let database = shell.path("blowing-off.db");
    let sent = drain(&daemon, &database);
    assert!(sent > 1, "the daemon did not sync while the others wrote");
    assert_eq!(daemon.stop("TERM"), Some(0));
    assert_eq!(server.stop("TERM"), Some(0));

    let on_the_hub = texts(&home.path("hub.db"), "SELECT data FROM versions");
    let missing: BTreeSet<String> = ['a', 'b']
        .iter()
        .flat_map(|author| (0..EDITS).map(|number| mark(*author, number)))
        .filter(|mark| !on_the_hub.contains(mark))
        .collect();
    println!(
        "{} of {} edits arrived in {sent} syncs",
        2 * EDITS as usize - missing.len(),
        2 * EDITS
    );
    assert!(missing.is_empty(), "not on the hub: {missing:?}");
    // One replica can't be in conflict with itself.
    assert_eq!(number(&database, "SELECT count(*) FROM journal"), 0);
    assert_eq!(number(&home.path("hub.db"), "SELECT count(*) FROM losers"), 0);
}

#[test]
fn programs_that_make_one_database_at_once_all_get_it() {
    const PROGRAMS: usize = 4;
    for _ in 0..60 {
        let shell = Shell::new();
        let start = Barrier::new(PROGRAMS);
        std::thread::scope(|all| {
            for _ in 0..PROGRAMS {
                all.spawn(|| {
                    let options = StoreOptions {
                        path: Some(shell.path("new.db")),
                        full_sync: true,
                        echo: false,
                    };
                    start.wait();
                    Store::open(options, RealSeam::shared()).unwrap();
                });
            }
        });
    }
}
