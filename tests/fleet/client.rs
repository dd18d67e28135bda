//! A client: one replica and the processes that sync it. What a process does is
//! in `driver`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use wildthing::model::{Key, Timestamp};
use wildthing::protocol::Protocol;
use wildthing::store::Store;
use wildthing::store::metadata::{self, LeaseOwner};
use wildthing::sync::{Event, Planner, PlannerOptions};

use crate::clock::SimSeam;
use crate::model::Check;
use crate::rng::Rng;
use crate::world::odd;

/// What a process is at. There are a handful of them.
#[derive(Debug)]
#[allow(clippy::large_enum_variant)]
pub enum Doing {
    Idle,
    /// It has something to tell its planner.
    Ready(Event),
    /// It waits for an answer to the request of this number.
    Asking(u64),
    /// It waits for this true time.
    Waiting(i64),
}

/// Faults that a failed sync may blame.
#[derive(Debug, Default, Clone, Copy)]
pub struct Blame {
    pub network: bool,
    pub status: bool,
    /// The hub's database was replaced meanwhile.
    pub replaced: bool,
    pub cut: bool,
    pub store: bool,
    pub rivalry: bool,
    pub cancelled: bool,
}

#[derive(Debug)]
pub struct Process {
    pub owner: LeaseOwner,
    pub planner: Option<Planner>,
    pub doing: Doing,
    pub blame: Blame,
    /// The last edit that the running sync has promised to push.
    pub last_edit: i64,
    /// Records whose failed edits were queued again while the sync ran.
    pub retried: BTreeSet<Key>,
    pub lives: u32,
}

/// Decides whether the next commit fails.
#[derive(Debug, Default)]
pub struct Saboteur {
    /// Drawn before each operation; `None` while nothing fails.
    pub draw: Option<u64>,
    pub struck: Option<&'static str>,
}

impl Saboteur {
    fn asked(&mut self, transaction: &'static str) -> bool {
        // The rarer a transaction, the likelier it fails: each must be hit.
        let permille = match transaction {
            "begin" | "page" | "finish" => 15,
            "edit" | "prepare" | "settle" => 25,
            "delete" | "refuse" => 80,
            "restore" | "discard" | "resync" | "retry" | "resolve" | "inspect" | "bind" => 150,
            "edges" => 25,
            _ => 15,
        };
        if self.draw.is_some_and(|draw| draw < permille) {
            self.struck = Some(transaction);
            return true;
        }
        false
    }
}

pub struct Client {
    pub index: usize,
    pub store: Store,
    pub seam: Arc<SimSeam>,
    pub saboteur: Arc<Mutex<Saboteur>>,
    pub processes: Vec<Process>,
    pub options: PlannerOptions,
    /// Until when the lease of a process that died may be in the way.
    pub haunted_until: i64,
    pub watermarks: Vec<(String, Timestamp)>,
    /// The same of a graph, as they stand in the table.
    pub marks: Vec<String>,
}

/// What the outbox holds: edit number and `sync_id` shown, by record.
pub type Unsent = BTreeMap<Key, (i64, String)>;

impl Client {
    pub fn new(
        protocol: Protocol,
        index: usize,
        processes: usize,
        seam: Arc<SimSeam>,
        rng: &mut Rng,
    ) -> Check<Self> {
        let store = Store::in_memory(seam.clone()).map_err(odd)?;
        // Some are told what their server speaks, others ask it when they first sync.
        let told = if rng.permille(700) {
            protocol
        } else {
            Protocol::Auto
        };
        let chosen = store.choose_protocol(told, false).map_err(odd)?;
        chosen.map_err(|other| odd(format!("{other:?}")))?;
        let saboteur = Arc::new(Mutex::new(Saboteur::default()));
        let hook = saboteur.clone();
        store.set_fault(Some(Box::new(move |name| hook.lock().unwrap().asked(name))));
        Ok(Self {
            index,
            store,
            seam,
            saboteur,
            processes: (0..processes).map(|number| Process::new(index, number)).collect(),
            options: PlannerOptions {
                max_tries: 3,
                max_lease_tries: 3,
                digest_interval: if rng.permille(500) { 0 } else { 600_000_000 },
                ..PlannerOptions::default()
            },
            haunted_until: 0,
            watermarks: Vec::new(),
            marks: Vec::new(),
        })
    }

    /// Lets the next operation fail, or not, and runs it.
    pub fn sabotaged<T>(
        &self,
        draw: Option<u64>,
        work: impl FnOnce(&Store) -> T,
    ) -> (T, Option<&'static str>) {
        *self.saboteur.lock().unwrap() = Saboteur { draw, struck: None };
        let outcome = work(&self.store);
        let mut saboteur = self.saboteur.lock().unwrap();
        saboteur.draw = None;
        (outcome, saboteur.struck.take())
    }

    pub fn unsent(&self) -> Check<Unsent> {
        self.store
            .read(|connection| {
                let mut statement = connection.prepare_cached(
                    "SELECT outbox.kind, outbox.id, edit_seq, sync_id FROM outbox
                     JOIN records ON records.kind = outbox.kind AND records.id = outbox.id",
                )?;
                let rows = statement.query_map([], |row| {
                    let (kind, id): (String, String) = (row.get(0)?, row.get(1)?);
                    Ok((kind, id, row.get(2)?, row.get(3)?))
                })?;
                rows.map(|row| {
                    let (kind, id, edit_seq, sync_id) = row?;
                    let id = wildthing::model::RecordId::new(id).unwrap();
                    Ok((
                        Key::new(wildthing::model::Kind::parse(&kind), id),
                        (edit_seq, sync_id),
                    ))
                })
                .collect()
            })
            .map_err(odd)
    }

    /// What the replica takes its server to speak.
    pub fn protocol(&self) -> Check<Protocol> {
        Ok(self.store.read(metadata::get).map_err(odd)?.protocol)
    }

    /// Who has the lease, and until when.
    pub fn lease(&self) -> Check<(Option<String>, Option<Timestamp>)> {
        self.store
            .read(|connection| {
                Ok(connection.query_row(
                    "SELECT lease_owner, lease_expires FROM sync_metadata",
                    [],
                    |row| {
                        let expires: Option<String> = row.get(1)?;
                        Ok((row.get(0)?, expires.and_then(|text| Timestamp::parse(&text).ok())))
                    },
                )?)
            })
            .map_err(odd)
    }
}

impl Process {
    fn new(client: usize, number: usize) -> Self {
        Self {
            owner: LeaseOwner {
                id: format!("c{client}p{number}n0"),
                pid: None,
            },
            planner: None,
            doing: Doing::Idle,
            blame: Blame::default(),
            last_edit: 0,
            retried: BTreeSet::new(),
            lives: 0,
        }
    }
}
