// What became of edits: those that wait, those that lost, and what to do.

extension WildThingClient {
    /// The edits that the server has not got, in the order they will be sent.
    public func fetchPendingChanges() async throws -> [PendingChange] {
        try await core.pendingChanges()
    }

    /// Everything the replica knows of a record's standing. Deleted records can
    /// be explained too.
    public func explain(_ kind: Kind, _ id: RecordID) async throws -> Explanation {
        try await core.explain(kind: kind, id: id)
    }

    /// The edits that lost or were refused, newest first, until they are dismissed.
    public func fetchConflicts() async throws -> [Conflict] {
        try await core.conflicts()
    }

    /// Makes the losing version of a conflict a new edit, based on the version that
    /// won; a delete that won is undone so. Gives the record as it is then.
    @discardableResult
    public func restore(_ conflictID: Conflict.ID) async throws -> JSONObject {
        try await core.restore(conflictID: conflictID)
    }

    /// Takes an entry off the list of conflicts.
    public func dismiss(_ conflictID: Conflict.ID) async throws {
        try await core.dismiss(conflictID: conflictID)
    }

    /// Earlier versions of a record that are kept here, newest first.
    public func fetchHistory(of kind: Kind, _ id: RecordID) async throws -> [HistoryEntry] {
        try await core.history(kind: kind, id: id)
    }

    /// Queues every failed edit again. Gives how many.
    @discardableResult
    public func retryFailed() async throws -> Int {
        try await core.retryFailed()
    }

    /// Queues the failed edit of one record again. Gives how many that were.
    @discardableResult
    public func retryFailed(_ kind: Kind, _ id: RecordID) async throws -> Int {
        try await core.retryFailed(kind: kind, id: id)
    }

    /// Drops the unsent edit of a record: it goes to the list of conflicts, and
    /// the server's version, if there is one, comes back.
    public func discard(_ kind: Kind, _ id: RecordID) async throws {
        try await core.discard(kind: kind, id: id)
    }

    /// Empties the replica. Throws ``WildThingError/unsentEdits(count:)`` if the
    /// server has not got everything, unless those edits may be dropped, and the
    /// list of conflicts with them.
    public func reset(discardingUnsentEdits: Bool = false) async throws {
        try await core.reset(force: discardingUnsentEdits)
    }

    /// Digests of what the replica shows, to compare replicas by.
    public func fetchDigests() async throws -> Digests {
        try await core.digests()
    }
}
