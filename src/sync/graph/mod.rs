//! What a sync with a graph does that one of v1 does not: pulling by cursor, asking
//! what became of an edit, and reading and re-pinning edges. Parts of the planner;
//! no I/O. Pushing is shared, see `sync::pushing`.

pub(super) mod edges;
pub(super) mod inspecting;
pub(super) mod messages;
pub(super) mod pulling;
