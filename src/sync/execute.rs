//! Carries the planner's storage steps out against a replica. Blocks; the
//! network and the clock are left to the caller.

use super::{Ask, Event, Step, SyncError, SyncReport};
use crate::store::metadata::LeaseOwner;
use crate::store::{Store, StoreError};

/// What remains for the caller.
#[derive(Debug)]
pub enum Outward {
    /// Ask this and come back with the answer.
    Request(Ask),
    /// Come back after so many milliseconds.
    Wait(u64),
    /// The sync is over.
    Over(Result<SyncReport, SyncError>),
}

/// Does a storage step and says what came of it, or hands on what is not for the store.
pub fn execute(store: &Store, owner: &LeaseOwner, step: Step) -> Result<Event, Outward> {
    let outcome = match step {
        Step::Request(ask) => return Err(Outward::Request(ask)),
        Step::Wait(millis) => return Err(Outward::Wait(millis)),
        Step::Done(report) => return Err(Outward::Over(Ok(report))),
        Step::Failed(error) => return Err(Outward::Over(Err(error))),
        Step::Begin => store
            .begin_sync(owner)
            .map(|session| session.map_or(Event::LeaseHeld, Event::Begun)),
        Step::ApplyPage(page) => current(store.apply_page(owner, &page), Event::Applied),
        Step::StartResync { generation, identity } => current(
            store.start_resync(owner, generation, identity.as_ref()),
            Event::ResyncStarted,
        ),
        Step::Prepare {
            generation,
            after,
            last_edit,
        } => current(
            store.prepare_push(owner, generation, after, last_edit),
            Event::Prepared,
        ),
        Step::Settle {
            generation,
            items,
            result,
        } => current(store.settle(owner, generation, &items, &result), Event::Settled),
        Step::Bind { generation, protocol } => {
            current(store.bind_protocol(owner, generation, protocol), Event::Bound)
        }
        Step::SettleGraph {
            generation,
            items,
            answer,
        } => current(
            store.settle_graph(owner, generation, &items, &answer),
            Event::Settled,
        ),
        Step::Resolve {
            generation,
            lookup,
            found,
        } => current(
            store.resolve_lookup(owner, generation, &lookup, found.as_deref()),
            Event::Settled,
        ),
        Step::ListDisplaced => store.displaced().map(Event::Displaced),
        Step::Inspect {
            generation,
            version,
            versions,
        } => current(
            store.inspect_displaced(owner, generation, &version, versions.as_deref()),
            Event::Settled,
        ),
        Step::ReconcileEdges { generation, listing } => {
            match store.reconcile_edges(owner, generation, listing) {
                Ok(Err(error)) => Ok(Event::Garbled(error)),
                Ok(Ok(report)) => current(Ok(report), Event::Reconciled),
                Err(error) => Err(error),
            }
        }
        Step::Refuse {
            generation,
            item,
            refusal,
        } => current(store.refuse(owner, generation, &item, &refusal), Event::Settled),
        Step::Finish(end) => store.finish_sync(owner, &end).map(|()| Event::Finished),
    };
    Ok(outcome.unwrap_or_else(Event::StoreFailed))
}

/// `None` from the store: the replica moved on since the step was planned.
fn current<T>(
    outcome: Result<Option<T>, StoreError>,
    event: impl FnOnce(T) -> Event,
) -> Result<Event, StoreError> {
    outcome.map(|value| value.map_or(Event::Overtaken, event))
}
