// Syncing: by hand, in the background, and how it stands.

extension WildThingClient {
    /// Syncs now, or joins the sync that runs.
    ///
    /// A sync that could not finish throws; what it did before stays done, and
    /// the rest waits for the next one. If the task is cancelled, the sync ends
    /// with it, unless somebody else waits for it too.
    @discardableResult
    public func sync() async throws -> SyncResult {
        try await renewing {
            try await waiting.wait(for: core) { try await core.sync() }
        }
    }

    /// Ends the sync that runs, promptly. Whoever waits for it gets
    /// ``WildThingError/cancelled``.
    public func cancelSync() {
        waiting.ends()
        core.cancelSync()
    }

    /// Waits until the server has answered every edit made before this call, and a
    /// sync that began after this call went through. Syncs by itself if no
    /// background sync goes on.
    ///
    /// Throws ``WildThingError/timeout(waitedMs:pending:)`` if it takes longer.
    @discardableResult
    public func waitUntilSynced(timeout: Duration = .seconds(60)) async throws -> SyncResult {
        try await renewing {
            try await waiting.wait(for: core) { try await core.waitUntilSynced(timeout: timeout) }
        }
    }

    /// Syncs now and then every `interval` (at least a second), later after
    /// failures, sooner after local edits. One that goes on already is replaced.
    public func startBackgroundSync(every interval: Duration = .seconds(30)) async throws {
        waiting.ends()
        try await core.startBackgroundSync(interval: interval)
        waiting.background(true)
    }

    /// Ends the background sync, and a sync that runs.
    public func stopBackgroundSync() async {
        waiting.ends()
        await core.stopBackgroundSync()
        waiting.background(false)
    }

    /// Tells that the network is back: a background sync tries at once.
    public func networkDidBecomeAvailable() {
        core.networkAvailable()
    }

    /// Where the replica stands. While the client is paused: where it stood then.
    public func fetchStatus() async throws -> SyncStatus {
        try await core.getSyncStatus()
    }
}

/// Knows who waits for the sync that runs, so that it ends with the last of them.
///
/// The core lets a sync go on when a caller gives up, and a caller that comes
/// while one is being cancelled joins that one. Here the last one to give up
/// cancels the sync, and whoever comes then gets another.
final class SyncWaiters: Sendable {
    private struct State {
        var waiting = 0
        /// How often the sync that runs was to end.
        var ends = 0
        var inBackground = false
    }

    private let state = Locked(State())

    /// How many wait.
    var count: Int { state.withLock { $0.waiting } }

    /// The sync that runs is about to be ended by somebody.
    func ends() {
        state.withLock { $0.ends += 1 }
    }

    /// Whether a background sync goes on: then a sync ends with nobody.
    func background(_ goesOn: Bool) {
        state.withLock { $0.inBackground = goesOn }
    }

    func wait<Result: Sendable>(
        for core: CoreClient, _ sync: () async throws -> Result
    ) async throws -> Result {
        var tries = 3
        while true {
            let before = state.withLock { state in
                state.waiting += 1
                return state.ends
            }
            do {
                let result = try await sync()
                leave()
                return result
            } catch {
                if error is CancellationError {
                    leave(ending: core)
                    throw error
                }
                tries -= 1
                let mine = leave() != before || tries == 0
                guard case WildThingError.cancelled = error, !mine else { throw error }
                // It was the end of one that was cancelled before this call.
                try Task.checkCancellation()
            }
        }
    }

    /// One waits no more. Gives how often the sync was to end.
    @discardableResult
    private func leave(ending core: CoreClient? = nil) -> Int {
        state.withLock { state in
            state.waiting -= 1
            if let core, state.waiting == 0, !state.inBackground {
                state.ends += 1
                core.cancelSync()
            }
            return state.ends
        }
    }
}
