//! Taking in a recorded delta of another server, so that a hub starts with a
//! house that somebody lives in.

use rusqlite::Connection;
use serde_json::Value;

use crate::model::Version;
use crate::protocol::ProtocolError;
use crate::protocol::decode::message;
use crate::protocol::v1::{Delta, WireChange};

use super::decide::{Arrivals, Decision, Edit, apply, decide};
use super::rows::{self, Outcome};
use super::{HubError, HubStore};

/// What an import did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ImportReport {
    /// Versions that became current.
    pub imported: usize,
    /// Versions that were there already.
    pub unchanged: usize,
    /// Versions that lost against a concurrent one of the hub and were kept as
    /// losers. None if the hub was empty.
    pub lost: usize,
}

impl HubStore {
    /// Takes in a recorded answer of `/api/v1/sync/request`, in one transaction.
    ///
    /// Ids, edit ids and edit times stay as recorded; arrival stamps are new.
    /// The same recording imported again changes nothing. A record that the hub
    /// knows in another version is decided by the rule, as if it were pushed,
    /// so that no edit is lost to an import.
    pub fn import(&mut self, bytes: &[u8]) -> Result<ImportReport, HubError> {
        let delta = recorded_delta(bytes)?;
        self.write("import", |tx, arrivals| {
            let mut report = ImportReport::default();
            for WireChange { version, bases, .. } in delta.changes {
                let edit = Edit {
                    version,
                    bases,
                    client_id: "",
                    believe_state: true,
                };
                match take(tx, arrivals, edit)? {
                    Taken::Current => report.imported += 1,
                    Taken::Known => report.unchanged += 1,
                    Taken::Lost => report.lost += 1,
                }
            }
            Ok(report)
        })
    }
}

enum Taken {
    Current,
    Known,
    Lost,
}

fn take(conn: &Connection, arrivals: &mut Arrivals<'_>, edit: Edit<'_>) -> Result<Taken, HubError> {
    let key = edit.version.key.clone();
    let mark = mark(&edit.version);
    if rows::decided(conn, &key, &mark)?.is_some() {
        let same_edit = rows::current(conn, &key)?
            .filter(|current| current.version.sync_id == edit.version.sync_id)
            .filter(|current| current.version.updated_at < edit.version.updated_at);
        // Old servers edit a record without giving the edit an id of its own.
        return match same_edit {
            Some(current) => {
                apply(conn, arrivals, &edit, Some(current), None)?;
                Ok(Taken::Current)
            }
            None => Ok(Taken::Known),
        };
    }
    let (taken, outcome) = match decide(conn, arrivals, edit)? {
        Decision::Lost { .. } => (Taken::Lost, Outcome::Lost),
        Decision::Applied { .. } | Decision::Superseded => (Taken::Current, Outcome::Applied),
    };
    rows::note_decided(conn, &key, &mark, outcome)?;
    Ok(taken)
}

/// What a recorded version is remembered by. Old servers have records without
/// edit ids: those are told apart by edit time.
fn mark(version: &Version) -> String {
    if version.sync_id.is_empty() {
        let time = version.updated_at.map(|time| time.to_string());
        format!("import:{}", time.unwrap_or_default())
    } else {
        version.sync_id.clone()
    }
}

fn recorded_delta(bytes: &[u8]) -> Result<Delta, HubError> {
    let unreadable = |problem: ProtocolError| HubError::ImportFormat {
        problem: problem.to_string(),
    };
    // Asked first, so that a recording of something else hears that, and not
    // which member it lacks.
    match message(bytes).map_err(unreadable)?.get("type") {
        Some(Value::String(kind)) if kind == "sync_delta" => {}
        Some(Value::String(kind)) => {
            return Err(HubError::ImportFormat {
                problem: format!("its \"type\" is {kind:?}"),
            });
        }
        _ => {
            return Err(HubError::ImportFormat {
                problem: "it has no \"type\"".to_owned(),
            });
        }
    }
    Delta::decode(bytes).map_err(unreadable)
}
