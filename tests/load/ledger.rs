//! What became of every edit whose call returned: it is in the hub's house, itself
//! or in what was made of it, or it is whole in a journal.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::Path;

use rusqlite::{Connection, OpenFlags};
use wildthing::protocol::Protocol;

/// An edit, by the version it made.
#[derive(Debug, Clone)]
pub struct Made {
    pub version: String,
    /// The version it was made on; none of a new record.
    pub made_on: Option<String>,
}

/// Where all the edits are.
#[derive(Debug, Default)]
pub struct Account {
    pub edits: usize,
    pub at_the_hub: usize,
    pub in_a_journal: usize,
    pub missing: Vec<String>,
}

/// Looks for every edit among the versions that the hub shows and those that the
/// journals hold.
pub fn account(made: &[Made], hub: &HashSet<String>, journals: &HashSet<String>) -> Account {
    let made_on: HashMap<&str, &str> = made
        .iter()
        .filter_map(|made| Some((made.version.as_str(), made.made_on.as_deref()?)))
        .collect();
    let hub = with_ancestors(hub, &made_on);
    let journals = with_ancestors(journals, &made_on);
    let mut account = Account::default();
    for version in made.iter().map(|made| made.version.as_str()) {
        account.edits += 1;
        if hub.contains(version) {
            account.at_the_hub += 1;
        } else if journals.contains(version) {
            account.in_a_journal += 1;
        } else {
            account.missing.push(version.to_owned());
        }
    }
    account
}

/// Who made a version of another one had that in hand.
fn with_ancestors<'a>(
    versions: &'a HashSet<String>,
    made_on: &HashMap<&'a str, &'a str>,
) -> BTreeSet<&'a str> {
    let mut found = BTreeSet::new();
    for version in versions {
        let mut next = Some(version.as_str());
        while let Some(version) = next {
            next = match found.insert(version) {
                true => made_on.get(version).copied(),
                false => None,
            };
        }
    }
    found
}

/// Opens a file that others write.
pub fn look(path: &Path) -> Connection {
    Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap()
}

/// The current version of everything at the hub, tombstones included.
pub fn versions_at(hub: &Path, protocol: Protocol) -> HashSet<String> {
    let hub = look(hub);
    let sql = match protocol {
        Protocol::V2 => "SELECT version FROM entities",
        _ => "SELECT sync_id FROM versions",
    };
    let mut statement = hub.prepare(sql).unwrap();
    let found = statement.query_map([], |row| row.get(0)).unwrap();
    found.collect::<rusqlite::Result<_>>().unwrap()
}
