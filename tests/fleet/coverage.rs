//! Counts of the faults made and of the rare situations reached, and which of
//! them a long run must have seen.

use std::collections::BTreeMap;

use wildthing::protocol::Protocol;

#[derive(Debug, Default, Clone)]
pub struct Coverage(BTreeMap<String, u64>);

/// A run of this many seeds that misses something that is required is a failure: the
/// simulation has gone blind.
pub const FULL_COVERAGE_SEEDS: u64 = 500;

/// Of every world.
const COMMON: &[&str] = &[
    "fault: request lost",
    "fault: request duplicated",
    "fault: request delayed",
    "fault: request delivered after its sender gave up or died",
    "fault: answer lost",
    "fault: answer delayed",
    "fault: answer cut",
    "fault: answered 429",
    "fault: answered 500",
    "fault: answered 503",
    "fault: answered 422",
    "fault: processed, then answered 500",
    "fault: partial answer",
    "fault: hub killed between steps",
    "fault: process killed between steps",
    "fault: clock stepped back by days",
    "fault: hub clock stepped back",
    "fault: cancelled",
    "kill in edit",
    "kill in delete",
    "kill in restore",
    "kill in discard",
    "kill in begin",
    "kill in page",
    "kill in prepare",
    "kill in settle",
    "kill in refuse",
    "kill in finish",
    "kill in retry",
    "hub: page with more",
    "journal: rejected",
    "journal: discarded",
    "pull: superseded by somebody who saw the edit",
    "pull: page dropped, replica moved on",
    "push: answer dropped, replica moved on",
    "push: halved",
    "push: unnamed",
    "push: failed entry",
    "lease: held by another",
    "lease: taken over after expiry",
    "lease: taken over after the clock stepped back",
    "edit: in flight",
    "edit: coalesced",
    "edit: create and delete dropped",
    "edit: cascading delete",
    "edit: restore that undeletes",
    "edit: undelete",
    "edit: restore over a pending edit",
    "edit: created twice under one id",
    "sync: done",
    "sync: offline",
    "sync: server error",
    "sync: protocol error",
    "sync: busy",
];

/// Of worlds that speak v1.
const PLAIN: &[&str] = &[
    "fault: hub killed in push",
    "fault: hub epoch renewed",
    "kill in resync",
    "hub: local_deleted",
    "hub: remote_deleted",
    "hub: newer_local",
    "hub: newer_remote",
    "hub: sync_id_tiebreak_local",
    "hub: sync_id_tiebreak_remote",
    "hub: missing_timestamp",
    "hub: client_wins",
    "hub: server_wins",
    "hub: conflict of edits exactly one second apart",
    "hub: superseded edit answered applied",
    "hub: repeated answer, applied",
    "hub: repeated answer, lost",
    "journal: local_deleted",
    "journal: remote_deleted",
    "journal: newer_local",
    "journal: newer_remote",
    "journal: sync_id_tiebreak_local",
    "journal: sync_id_tiebreak_remote",
    "journal: missing_timestamp",
    "pull: conflict lost to a pulled version",
    "pull: conflict won against a pulled version",
    "pull: lost acknowledgement settled",
    "pull: displaced edit told",
    "pull: asked kind by kind",
    "push: applied",
    "push: lost",
    "push: rejected alone among others",
    "resync: by a new epoch",
    "resync: completed",
];

/// Of worlds that speak v2.
const GRAPH: &[&str] = &[
    "fault: rows stamped long before they are seen",
    "fault: hub locked by another push",
    "kill in edges",
    "kill in resolve",
    "hub: local has newer timestamp",
    "hub: remote has newer timestamp",
    "hub: timestamps within 1s, local has greater version",
    "hub: timestamps within 1s, remote has greater version",
    "hub: local was deleted",
    "hub: delete of what is deleted",
    "hub: edges listed",
    "hub: versions of an entity listed",
    "hub: entity asked for",
    "hub: edge to a version it lacks",
    "journal: replaced_on_server",
    "edges: other than they were",
    "edges: pinned anew",
    "edges: listing dropped, replica moved on",
    "push: edge waits for its end",
    "push: answer leaves a question",
    "push: predecessor sent along",
    "push: applied",
    "push: lost",
    "edit: made before the protocol was known",
    "kill in bind",
    "kill in inspect",
    "edit: moved",
    "edit: connected",
    "edit: disconnected",
    "edit: edges follow",
    "edit: state of a device",
    "end: a version that lost",
];

/// What a long run of this protocol must have seen.
fn required(protocol: Protocol) -> impl Iterator<Item = &'static str> {
    let own = match protocol {
        Protocol::V2 => GRAPH,
        _ => PLAIN,
    };
    COMMON.iter().chain(own).copied()
}

impl Coverage {
    pub fn hit(&mut self, what: &str) {
        if let Some(count) = self.0.get_mut(what) {
            *count += 1;
        } else {
            self.0.insert(what.to_owned(), 1);
        }
    }

    pub fn add(&mut self, other: &Coverage) {
        for (what, count) in &other.0 {
            *self.0.entry(what.clone()).or_default() += count;
        }
    }

    pub fn missing(&self, protocol: Protocol) -> Vec<&'static str> {
        required(protocol)
            .filter(|what| !self.0.contains_key(*what))
            .collect()
    }

    pub fn print(&self, protocol: Protocol) {
        let mut all = self.0.clone();
        for what in required(protocol) {
            all.entry(what.to_owned()).or_default();
        }
        for (what, count) in all {
            println!("{count:>9}  {what}");
        }
    }
}
