// Syncing: by hand, in the background, and how it stands.

extension WildThingClient {
    /// Syncs now, or joins the sync that runs.
    ///
    /// A sync that could not finish throws; what it did before stays done, and
    /// the rest waits for the next one. If the task is cancelled, the sync ends
    /// with it, unless somebody else waits for it too.
    @discardableResult
    public func sync() async throws -> SyncResult {
        try await renewing { try await core.sync() }
    }

    /// Ends the sync that runs, promptly. Whoever waits for it gets
    /// ``WildThingError/cancelled``.
    public func cancelSync() {
        core.cancelSync()
    }

    /// Waits until the server has answered every edit made before this call, and a
    /// sync that began after this call went through. Syncs by itself if no
    /// background sync goes on.
    ///
    /// Throws ``WildThingError/timeout(waited:pending:)`` if it takes longer.
    @discardableResult
    public func waitUntilSynced(timeout: Duration = .seconds(60)) async throws -> SyncResult {
        try await renewing { try await core.waitUntilSynced(timeout: timeout) }
    }

    /// Syncs now and then every `interval` (at least a second), later after
    /// failures, sooner after local edits. One that goes on already is replaced.
    public func startBackgroundSync(every interval: Duration = .seconds(30)) async throws {
        try await core.startBackgroundSync(interval: interval)
    }

    /// Ends the background sync, and a sync that runs.
    public func stopBackgroundSync() async {
        await core.stopBackgroundSync()
    }

    /// Tells that the network is back: a background sync tries at once.
    public func networkDidBecomeAvailable() {
        core.networkAvailable()
        credentials.hurry()
    }

    /// Where the replica stands. While the client is paused: where it stood then.
    public func fetchStatus() async throws -> SyncStatus {
        try await core.getSyncStatus()
    }
}
