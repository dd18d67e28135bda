//! The hub under load: many clients, each with a replica of its own, edit and sync
//! with one `blowing-off serve`, which is killed and started again meanwhile.
//!
//! `cargo xtask load [--clients N] [--seconds N] [--protocol v1|v2] [--seed S] [--pause MS]`;
//! without arguments (`cargo test --test load`) a short run of both protocols.
//!
//! In the end everything must be in its place: every client has what the hub has,
//! nothing waits to be sent, no call failed but for a hub that was not there, and
//! every edit whose call returned is at the hub or in a journal. `hub` is the
//! process, `client` one of the clients, `ledger` the account of the edits and
//! `report` the figures.

#![cfg(unix)]
#![allow(unreachable_pub)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod client;
mod hub;
mod ledger;
mod report;
#[allow(dead_code)]
#[path = "../fleet/rng.rs"]
mod rng;

use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::process::ExitCode;
use std::rc::Rc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use tokio::task::LocalSet;
use wildthing::hub::HubStore;
use wildthing::hub::v2::GraphStore;
use wildthing::model::Kind;
use wildthing::protocol::Protocol;
use wildthing::seam::RealSeam;

use client::{LoadClient, Told};
use hub::{HubProcess, Taken};
use ledger::{account, versions_at};
use report::{Load, Sample};
use rng::Rng;

/// How large the house is.
const ENTITIES: usize = 300;
/// For how long the hub runs on average before it is killed.
const LIFE: Duration = Duration::from_secs(20);
/// How long the hub is gone at most.
const GONE: Duration = Duration::from_secs(2);
/// How often every client may sync until all are alike.
const LAST_ROUNDS: usize = 20;
/// How long a hub may take to close what clients left behind.
const AFTERMATH: Duration = Duration::from_secs(60);

struct Args {
    protocols: Vec<Protocol>,
    clients: usize,
    seconds: u64,
    seed: u64,
    /// Between a sync of a client and its next edit, on average.
    pause: Duration,
}

fn args() -> Result<Args, String> {
    let mut args = Args {
        protocols: vec![Protocol::V1, Protocol::V2],
        clients: 20,
        seconds: 5,
        seed: 1,
        pause: Duration::from_millis(200),
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        if word == "--protocol" {
            let known = words.next().and_then(|word| Protocol::parse(&word));
            let known = known.filter(|protocol| *protocol != Protocol::Auto);
            args.protocols = vec![known.ok_or("--protocol needs v1 or v2")?];
            continue;
        }
        let mut number = || {
            let number = words.next().and_then(|text| text.parse::<u64>().ok());
            number.ok_or(format!("{word} needs a number"))
        };
        match word.as_str() {
            "--clients" => args.clients = number()?.max(1) as usize,
            "--seconds" => args.seconds = number()?.max(1),
            "--seed" => args.seed = number()?,
            "--pause" => args.pause = Duration::from_millis(number()?),
            // What `cargo test` may pass to every harness.
            "--nocapture" | "--quiet" | "-q" => {}
            _ => {
                return Err(format!(
                    "unknown argument {word}; known: --clients N, --seconds N, --protocol v1|v2, --seed S, --pause MS"
                ));
            }
        }
    }
    Ok(args)
}

fn main() -> ExitCode {
    let args = match args() {
        Ok(args) => args,
        Err(problem) => {
            eprintln!("load: {problem}");
            return ExitCode::from(2);
        }
    };
    allow_many_files();
    let mut failed = false;
    for protocol in &args.protocols {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let load = LocalSet::new().block_on(&runtime, run(&args, *protocol));
        print!("{load}");
        for problem in load.problems() {
            println!("FAIL {}: {problem}", protocol.as_str());
            failed = true;
        }
    }
    if failed {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

/// Every client has a file, a socket and threads of its own.
fn allow_many_files() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).unwrap();
}

async fn run(args: &Args, protocol: Protocol) -> Load {
    let folder = tempfile::tempdir().unwrap();
    let hub = HubProcess::start(protocol, folder.path(), ENTITIES);
    let mut load = Load::new(protocol, args.clients, args.seconds, args.seed, args.pause);
    load.before = hub.taken();
    let url = hub.url();
    let replicas = (0..args.clients).map(|number| folder.path().join(format!("{number}.db")));
    let starting = replicas.enumerate().map(|(number, path)| {
        let (url, seed) = (url.clone(), args.seed ^ ((number as u64 + 1) << 32));
        async move { LoadClient::start(&path, &url, protocol, seed).await.unwrap() }
    });
    let mut clients = join_all(starting).await;
    // The house was fetched by all at once; what is measured begins here.
    let warmed_up = hub.answered.lock().unwrap().micros.len();
    for client in &mut clients {
        client.told = Told::default();
    }

    let hub = Rc::new(RefCell::new(hub));
    let over = Rc::new(Cell::new(false));
    let start = Instant::now();
    let living: Vec<_> = clients
        .into_iter()
        .map(|mut client| {
            let (over, pause) = (Rc::clone(&over), args.pause);
            tokio::task::spawn_local(async move {
                client.live(pause, &over).await;
                client
            })
        })
        .collect();
    load.kills = disturb(args, &hub, start, &mut load.samples).await;
    over.set(true);
    let mut clients = Vec::new();
    for client in living {
        clients.push(client.await.unwrap());
    }
    load.took = start.elapsed();
    load.threads = std::fs::read_dir("/proc/self/task").map_or(0, Iterator::count);
    {
        let hub = hub.borrow();
        let mut answered = hub.answered.lock().unwrap();
        load.request_micros = answered.micros.split_off(warmed_up);
        load.by_status = std::mem::take(&mut answered.by_status);
    }

    for client in &mut clients {
        load.told.take(std::mem::take(&mut client.told));
    }
    let measured = load.told.sync_micros.len();
    let digest = last_rounds(&mut clients, &mut load).await;
    let mut journals = HashSet::new();
    for client in &mut clients {
        journals.extend(client.journal().await.unwrap());
        load.told.take(std::mem::take(&mut client.told));
        client.shutdown().await;
    }
    load.told.sync_micros.truncate(measured);
    drop(clients);
    let mut hub = Rc::into_inner(hub).unwrap().into_inner();
    load.after = aftermath(&hub, load.before).await;
    load.stopped = hub.stop();
    load.alike = digest.is_some_and(|digest| digest == digest_of(&hub, protocol));
    load.account = account(&load.told.edits, &versions_at(hub.db(), protocol), &journals);
    load
}

/// Kills the hub now and then and starts it again, and looks at it all along;
/// gives how often it was killed.
async fn disturb(args: &Args, hub: &RefCell<HubProcess>, start: Instant, samples: &mut Vec<Sample>) -> u64 {
    let mut rng = Rng::new(args.seed);
    let span = Duration::from_secs(args.seconds);
    let life = LIFE.min(span / 2);
    let mut below = |limit: Duration| {
        let micros = u64::try_from(limit.as_micros()).unwrap();
        Duration::from_micros(rng.below(micros + 1))
    };
    let mut kills = 0;
    let mut next_kill = life / 2 + below(life);
    let mut next_look = Duration::ZERO;
    loop {
        let now = start.elapsed();
        if now >= span {
            return kills;
        }
        if now >= next_look {
            let taken = hub.borrow().taken();
            samples.push(Sample { at: now, taken });
            next_look = now + (span / 100).max(Duration::from_millis(200));
        }
        if now >= next_kill {
            hub.borrow_mut().kill();
            kills += 1;
            tokio::time::sleep(below(GONE.min(life / 2))).await;
            hub.borrow_mut().restart();
            next_kill = start.elapsed() + life / 2 + below(life);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Everybody syncs until all are alike; gives their digest.
async fn last_rounds(clients: &mut [LoadClient], load: &mut Load) -> Option<String> {
    for round in 1..=LAST_ROUNDS {
        load.last_rounds = round;
        join_all(clients.iter_mut().map(LoadClient::sync)).await;
        let settled = join_all(clients.iter().map(LoadClient::settled)).await;
        let digests: Option<HashSet<String>> = settled.into_iter().map(Result::unwrap).collect();
        match digests {
            Some(digests) if digests.len() == 1 => return digests.into_iter().next(),
            _ => {}
        }
    }
    None
}

/// What the hub takes once it has noticed that all clients are gone.
async fn aftermath(hub: &HubProcess, before: Taken) -> Taken {
    let deadline = Instant::now() + AFTERMATH;
    loop {
        let taken = hub.taken();
        if taken.descriptors <= before.descriptors || Instant::now() > deadline {
            return taken;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// The digest of the house in the hub's file.
fn digest_of(hub: &HubProcess, protocol: Protocol) -> String {
    match protocol {
        Protocol::V2 => GraphStore::open(hub.db(), RealSeam::shared())
            .unwrap()
            .state_digest(),
        _ => HubStore::open(hub.db(), RealSeam::shared())
            .unwrap()
            .state_digest(&Kind::V1),
    }
    .unwrap()
}
