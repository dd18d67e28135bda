//! What becomes of one edit: repeated, superseded, fast-forward or concurrent.
//!
//! The order of the questions is the protocol's; the rule between concurrent
//! versions is [`crate::conflict`]'s. Runs inside a transaction of its caller.

use rusqlite::Connection;

use crate::conflict::{Reason, Resolution, Winner, resolve};
use crate::model::{Kind, Timestamp, Version};
use crate::protocol::ProtocolError;
use crate::protocol::v1::{Applied, Conflict, PushChange, PushResult, Rejected, Verdict};
use crate::seam::SharedSeam;

use super::HubError;
use super::rows::{self, Current, Loser, Outcome};

/// The field of a device that repeats its newest state.
const STATE_FIELD: &str = "state_json";
/// The largest `data` with its bases taken: small enough that any page and any
/// conflict with it is a message that a client takes.
const MAX_CHANGE_BYTES: usize = 1024 * 1024;
/// How many bytes of versions the answer to a push may tell before it is full.
const MAX_ANSWER_BYTES: usize = crate::protocol::MAX_MESSAGE_BYTES / 2;

/// Hands out arrival stamps: the clock's, but each later than any before it.
pub(super) struct Arrivals<'s> {
    seam: &'s SharedSeam,
    last: i64,
}

impl<'s> Arrivals<'s> {
    /// Goes on after the greatest stamp that the database remembers.
    pub(super) fn resume(conn: &Connection, seam: &'s SharedSeam) -> Result<Self, HubError> {
        Ok(Self {
            seam,
            last: greatest_arrival(conn)?,
        })
    }

    pub(super) fn next(&mut self) -> Timestamp {
        self.last = self.seam.now().micros().max(self.last.saturating_add(1));
        Timestamp::from_micros(self.last)
    }

    /// The greatest stamp given out so far.
    pub(super) fn greatest(&self) -> i64 {
        self.last
    }

    /// Makes the database remember, in the transaction that used the stamps.
    pub(super) fn persist(self, conn: &Connection) -> Result<(), HubError> {
        conn.prepare_cached("UPDATE meta SET last_arrival = ?1 WHERE last_arrival < ?1")?
            .execute([self.last])?;
        Ok(())
    }
}

/// The greatest stamp given out so far; the clock at creation if there was none.
pub(super) fn greatest_arrival(conn: &Connection) -> Result<i64, HubError> {
    Ok(conn
        .prepare_cached("SELECT last_arrival FROM meta")?
        .query_row([], |row| row.get(0))?)
}

/// An edit to decide.
pub(super) struct Edit<'a> {
    pub(super) version: Version,
    pub(super) bases: Vec<String>,
    /// The author.
    pub(super) client_id: &'a str,
    /// Whether a device's `state_json` is to be believed. A push's is not: it
    /// is derived from states, and gives way to what is stored.
    pub(super) believe_state: bool,
}

/// What became of an edit. The same edit sent again gets the same one.
pub(super) enum Decision {
    /// Taken; it may have displaced a concurrent version.
    Applied { displaced: Option<Box<Loser>> },
    /// A later edit, made on this one, was here first. Nothing changes.
    Superseded,
    /// Lost, with what is current now.
    Lost {
        loser: Box<Loser>,
        current: Box<Version>,
    },
}

/// Decides one edit and writes what follows from it.
pub(super) fn decide(
    conn: &Connection,
    arrivals: &mut Arrivals<'_>,
    edit: Edit<'_>,
) -> Result<Decision, HubError> {
    let key = &edit.version.key;
    let sync_id = edit.version.sync_id.as_str();
    let current = rows::current(conn, key)?;
    match rows::decided(conn, key, sync_id)? {
        Some(Outcome::Applied) => {
            let displaced = rows::displaced_by(conn, key, sync_id)?.map(Box::new);
            return Ok(Decision::Applied { displaced });
        }
        Some(Outcome::Superseded) => return Ok(Decision::Superseded),
        Some(Outcome::Lost) => {
            let Some(loser) = rows::loss_of(conn, key, sync_id)? else {
                return Err(HubError::Damaged {
                    what: key.to_string(),
                    problem: format!("edit {sync_id} lost, but was not kept"),
                });
            };
            let current = current.map_or_else(|| loser.winner.clone(), |current| current.version);
            return Ok(Decision::Lost {
                loser: Box::new(loser),
                current: Box::new(current),
            });
        }
        None => {}
    }
    let against = current.as_ref().and_then(|current| concurrent(current, &edit));
    let decision = match (current, against) {
        (Some(current), Some((Winner::Local, reason))) => {
            rows::note_decided(conn, key, sync_id, Outcome::Lost)?;
            let loser = Loser {
                version: edit.version.clone(),
                winner: current.version.clone(),
                reason,
                client_id: edit.client_id.to_owned(),
                displaced: false,
                arrival: current.arrival,
            };
            rows::keep_loser(conn, &loser)?;
            Decision::Lost {
                loser: Box::new(loser),
                current: Box::new(current.version),
            }
        }
        (current, against) => apply(conn, arrivals, &edit, current, against.map(|(_, reason)| reason))?,
    };
    // Whether the edit won or lost, what it was made on must not come back: a
    // delayed ancestor would compete with its own descendants.
    for base in &edit.bases {
        rows::note_decided(conn, key, base, Outcome::Superseded)?;
    }
    Ok(decision)
}

/// `None` for a fast-forward, otherwise what the rule says.
fn concurrent(current: &Current, edit: &Edit<'_>) -> Option<(Winner, Reason)> {
    if edit.bases.contains(&current.version.sync_id) {
        return None;
    }
    match resolve((&current.version).into(), (&edit.version).into()) {
        // The rule looks at deletes first, but one edit is one edit.
        _ if current.version.sync_id == edit.version.sync_id && !edit.version.sync_id.is_empty() => None,
        Resolution::SameEdit => None,
        Resolution::Conflict { winner, reason } => Some((winner, reason)),
    }
}

/// Makes the edit current. With a reason, `previous` was concurrent and is kept.
pub(super) fn apply(
    conn: &Connection,
    arrivals: &mut Arrivals<'_>,
    edit: &Edit<'_>,
    previous: Option<Current>,
    displaced_for: Option<Reason>,
) -> Result<Decision, HubError> {
    let mut version = edit.version.clone();
    if version.key.kind == Kind::Device && !edit.believe_state {
        let stored = previous
            .as_ref()
            .and_then(|previous| previous.version.body.get(STATE_FIELD));
        match stored {
            Some(state) => version.body.insert(STATE_FIELD.to_owned(), state.clone()),
            None => version.body.remove(STATE_FIELD),
        };
    }
    let applied = Current {
        version,
        bases: edit.bases.clone(),
        client_id: edit.client_id.to_owned(),
        arrival: arrivals.next(),
    };
    rows::put_current(conn, &applied)?;
    rows::note_decided(conn, &edit.version.key, &edit.version.sync_id, Outcome::Applied)?;
    let displaced = match (previous, displaced_for) {
        (Some(previous), Some(reason)) => {
            let loser = Loser {
                version: previous.version,
                winner: applied.version,
                reason,
                client_id: previous.client_id,
                displaced: true,
                arrival: applied.arrival,
            };
            rows::keep_loser(conn, &loser)?;
            Some(Box::new(loser))
        }
        _ => None,
    };
    Ok(Decision::Applied { displaced })
}

/// Decides the changes of a push in order.
///
/// A push whose answer would be larger than a client takes is cut: changes that
/// the answer doesn't name were not processed and come again.
pub(super) fn push(
    conn: &Connection,
    arrivals: &mut Arrivals<'_>,
    client_id: &str,
    changes: Vec<serde_json::Value>,
) -> Result<PushResult, HubError> {
    let mut result = PushResult::default();
    let mut told = 0usize;
    for change in changes {
        if told > MAX_ANSWER_BYTES {
            break;
        }
        match PushChange::decode(change) {
            Ok(change) => {
                let before = result.conflicts.len();
                push_change(conn, arrivals, client_id, change, &mut result)?;
                told += result.conflicts.iter().skip(before).map(size).sum::<usize>();
            }
            Err((client_sync_id, problem)) => result.rejected.push(Rejected {
                client_sync_id,
                code: code_of(&problem).to_owned(),
                message: problem.to_string(),
            }),
        }
    }
    Ok(result)
}

/// About how large a conflict is on the wire.
fn size(conflict: &Conflict) -> usize {
    [&conflict.server_version, &conflict.client_version]
        .into_iter()
        .flatten()
        .map(|version| rows::data_text(version).len())
        .sum()
}

/// Decides one change of a push and adds the answer to `result`.
fn push_change(
    conn: &Connection,
    arrivals: &mut Arrivals<'_>,
    client_id: &str,
    change: PushChange,
    result: &mut PushResult,
) -> Result<(), HubError> {
    let size = rows::data_text(&change.version).len() + change.bases.iter().map(String::len).sum::<usize>();
    if size > MAX_CHANGE_BYTES {
        result.rejected.push(Rejected {
            client_sync_id: named(change.client_sync_id),
            code: "too_large".to_owned(),
            message: format!("data and bases: {size} bytes, at most {MAX_CHANGE_BYTES} are taken"),
        });
        return Ok(());
    }
    let key = change.version.key.clone();
    let applied = Applied {
        client_sync_id: named(change.client_sync_id),
        server_sync_id: Some(change.version.sync_id.clone()),
    };
    let edit = Edit {
        version: change.version,
        bases: change.bases,
        client_id,
        believe_state: false,
    };
    match decide(conn, arrivals, edit)? {
        Decision::Superseded => result.applied.push(applied),
        Decision::Applied { displaced } => {
            result.applied.push(applied);
            result.conflicts.extend(displaced.map(|loser| Conflict {
                key,
                reason: loser.reason.as_str().to_owned(),
                server_version: Some(loser.version),
                client_version: Some(loser.winner),
                verdict: Verdict::ClientWins,
            }));
        }
        Decision::Lost { loser, current } => result.conflicts.push(Conflict {
            key,
            reason: loser.reason.as_str().to_owned(),
            server_version: Some(*current),
            client_version: Some(loser.version),
            verdict: Verdict::ServerWins,
        }),
    }
    Ok(())
}

fn named(client_sync_id: String) -> Option<String> {
    (!client_sync_id.is_empty()).then_some(client_sync_id)
}

/// One word for what is wrong with a change.
fn code_of(problem: &ProtocolError) -> &'static str {
    match problem {
        ProtocolError::Field { path, expected, .. }
            if path == "data.id" && expected.starts_with("the same id") =>
        {
            "id_mismatch"
        }
        ProtocolError::Field { path, .. } if path == "data.sync_id" => "missing_sync_id",
        ProtocolError::Field { path, .. } if path == "operation" => "unknown_operation",
        _ => "malformed",
    }
}
