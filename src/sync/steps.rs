//! The planner's words: the events that go in and the steps that come out. What
//! follows on what is decided in `planner` and its parts.

use serde_json::Value;

use super::outcome::{SyncError, SyncReport};
use crate::model::Version;
use crate::protocol::v1::PushResult;
use crate::protocol::v2::SyncResponse;
use crate::protocol::{Protocol, ProtocolError};
use crate::store::StoreError;
use crate::store::graph::reconcile::EdgeReport;
use crate::store::graph::verdict::Lookup;
use crate::store::mirror::ServerVersion;
use crate::store::outbox::PushPosition;
use crate::store::pull::{Page, PageReport};
use crate::store::push::{Batch, PushItem, Refusal, SettleReport};
use crate::store::session::{Session, SyncEnd};
use crate::transport::{Response, TransportError};

/// What happened.
#[derive(Debug)]
pub enum Event {
    /// A sync is wanted; the only first event.
    Start,
    /// The lease was taken.
    Begun(Session),
    /// Another process syncs this replica.
    LeaseHeld,
    /// The server answered.
    Response(Response),
    /// The server did not.
    TransportFailed(TransportError),
    /// A page was applied.
    Applied(PageReport),
    /// A full resync was begun; the new generation.
    ResyncStarted(i64),
    /// The replica is one of the server's protocol now; the new generation.
    Bound(i64),
    /// Versions made here of which it is not known what became of them.
    Displaced(Vec<Version>),
    /// Edges were taken in.
    Reconciled(EdgeReport),
    /// The server's listing can't be read.
    Garbled(ProtocolError),
    /// Edits were taken from the outbox.
    Prepared(Batch),
    /// An answer was settled.
    Settled(SettleReport),
    /// The replica moved on since the step was planned: start over.
    Overtaken,
    /// The wait is over.
    Timer,
    /// The end was written down.
    Finished,
    /// The replica failed.
    StoreFailed(StoreError),
    /// The user wants no more of it.
    Cancel,
}

/// What to do next.
#[derive(Debug, PartialEq)]
pub enum Step {
    /// Take the lease.
    Begin,
    /// Ask the server and bring the answer.
    Request(Ask),
    /// Make the replica one of this protocol.
    Bind {
        /// The generation it is valid in.
        generation: i64,
        /// What the server speaks.
        protocol: Protocol,
    },
    /// Apply a page.
    ApplyPage(Page),
    /// Forget the watermarks, to ask for everything.
    StartResync {
        /// The generation it is valid in.
        generation: i64,
        /// Hub and epoch to bind to.
        identity: Option<(String, String)>,
    },
    /// Take edits from the outbox.
    Prepare {
        /// The generation it is valid in.
        generation: i64,
        /// Where the last batch ended.
        after: PushPosition,
        /// The last edit to take; the first batch fixes it.
        last_edit: Option<i64>,
    },
    /// Settle an answer.
    Settle {
        /// The generation it is valid in.
        generation: i64,
        /// What was sent.
        items: Vec<PushItem>,
        /// What was answered.
        result: PushResult,
    },
    /// Settle an answer of a graph's server.
    SettleGraph {
        /// The generation it is valid in.
        generation: i64,
        /// What was sent.
        items: Vec<PushItem>,
        /// What was answered.
        answer: Box<SyncResponse>,
    },
    /// Settle what an answer left open.
    Resolve {
        /// The generation it is valid in.
        generation: i64,
        /// What was asked.
        lookup: Box<Lookup>,
        /// What the server has; `None` if nothing.
        found: Option<Box<ServerVersion>>,
    },
    /// Say which versions made here may have been displaced.
    ListDisplaced,
    /// Decide about one of them.
    Inspect {
        /// The generation it is valid in.
        generation: i64,
        /// The version.
        version: Box<Version>,
        /// All versions that the server knows, and what each was made on.
        versions: Option<Vec<(String, Vec<String>)>>,
    },
    /// Take in a listing of all edges.
    ReconcileEdges {
        /// The generation it is valid in.
        generation: i64,
        /// The server's message.
        listing: Vec<u8>,
    },
    /// Note that one change alone was refused.
    Refuse {
        /// The generation it is valid in.
        generation: i64,
        /// What was sent.
        item: PushItem,
        /// What was answered.
        refusal: Refusal,
    },
    /// Come back with [`Event::Timer`] after so many milliseconds.
    Wait(u64),
    /// Write the end down and give the lease back.
    Finish(SyncEnd),
    /// The sync went through.
    Done(SyncReport),
    /// It did not.
    Failed(SyncError),
}

/// A question to the server.
#[derive(Debug, Clone, PartialEq)]
pub struct Ask {
    /// Path below the server URL, perhaps with a query.
    pub path: String,
    /// The message; without one it is a GET.
    pub body: Option<Value>,
    /// The answer may be as large as a listing of everything.
    pub listing: bool,
}
