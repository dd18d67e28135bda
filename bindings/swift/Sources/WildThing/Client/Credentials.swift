// Where tokens come from when the server refuses one.
//
// A refused token makes the core stop sending and say so. The keeper hears of it,
// asks the app's closure for another, and hands that in; whoever called meanwhile
// waits for the same answer. It holds the client weakly: a client that nobody
// uses must be able to go.

/// Why a token is wanted.
public enum CredentialsRequest: Hashable, Sendable {
    /// The client is about to be connected.
    case connecting
    /// The server refused the token in use.
    case refused
}

/// Gives the token to show the server, or `nil` if there is none for now.
public typealias Credentials = @Sendable (CredentialsRequest) async throws -> String?

final class CredentialsKeeper: Sendable {
    private struct State {
        var credentials: Credentials?
        /// The question that is being asked.
        var asking: Task<Bool, any Error>?
        /// Hears of refusals.
        var listening: Task<Void, Never>?
    }

    private let state = Locked(State())

    func keep(_ credentials: @escaping Credentials, for client: WildThingClient) {
        let stream = client.core.changes()
        let listening = Task { [weak client] in
            await withTaskCancellationHandler {
                while let batch = await stream.next() {
                    let refused = batch.events.contains { if case .needsAuth = $0 { true } else { false } }
                    if refused, let client {
                        // What it throws is thrown to those who wait for a sync; the
                        // status tells everybody that a token is needed.
                        _ = try? await client.credentials.renew(for: client)
                    }
                }
            } onCancel: {
                stream.cancel()
            }
        }
        let old = state.withLock { state in
            defer { state = State(credentials: credentials, listening: listening) }
            return state
        }
        old.asking?.cancel()
        old.listening?.cancel()
    }

    func forget() {
        let old = state.withLock { state in
            defer { state = State() }
            return state
        }
        old.asking?.cancel()
        old.listening?.cancel()
    }

    /// Asks for another token and hands it in, unless one was meanwhile. False if
    /// nobody has one.
    func renew(for client: WildThingClient) async throws -> Bool {
        let core = client.core
        let task: Task<Bool, any Error>? = state.withLock { state in
            guard let credentials = state.credentials else { return nil }
            if let asking = state.asking { return asking }
            let task = Task { [self] in
                defer { self.state.withLock { $0.asking = nil } }
                // Another was given since: by the app, or for somebody else's call.
                guard try await core.getSyncStatus().connection == .needsAuth else { return true }
                let refused = core.authSession()?.authToken
                // The same again would be refused again.
                guard let token = try await credentials(.refused), token != refused else { return false }
                try Task.checkCancellation()
                try core.setAuthToken(token: token)
                return true
            }
            state.asking = task
            return task
        }
        guard let task else { return false }
        return try await task.valueUnlessCancelled()
    }
}

extension WildThingClient {
    /// Makes a call; if the token is refused and another is to be had, once more.
    func renewing<Result: Sendable>(_ call: () async throws -> Result) async throws -> Result {
        do {
            return try await call()
        } catch let error as WildThingError {
            guard case .needsAuth = error, try await credentials.renew(for: self) else { throw error }
            return try await call()
        }
    }
}
