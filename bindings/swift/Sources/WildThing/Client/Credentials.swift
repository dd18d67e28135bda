// Where tokens come from when the server refuses one.
//
// A refused token makes the core stop sending and say so. The keeper hears of it,
// asks the app's closure for another, and hands that in; whoever called meanwhile
// waits for the same answer. While nobody has a good one it asks again, after
// waits that grow. It holds the core weakly: a client that nobody uses must be
// able to go.
import Foundation

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
        /// Counts servers: what was begun for one is nothing to the next.
        var number = 0
        /// How many calls are about to change the server.
        var changing = 0
        var credentials: Credentials?
        /// The question that is being asked.
        var asking: Task<Bool, any Error>?
        /// Hears of refusals.
        var listening: Task<Void, Never>?
        /// The wait before the next question.
        var waiting: Task<Void, Never>?
    }

    private let state = Locked(State())
    /// Waits before another question, after so many since the last sync that went
    /// through. Tests have another.
    let wait = Locked<@Sendable (_ questions: Int) async throws -> Void> { questions in
        try await Task.sleep(for: min(.seconds(1 << min(questions, 16)), .seconds(300)))
    }

    /// Makes a call that changes the server, and keeps the credentials for that one
    /// if it went through. It is carried out though nobody may wait for it: a token
    /// must not meet another's server.
    func keep(
        _ credentials: Credentials?, for core: CoreClient, once call: @escaping @Sendable () async throws -> Void
    ) async throws {
        try Task.checkCancellation()
        let changing = Task { [self] in
            // Before the server is there: no refusal is missed.
            let stream = credentials.map { _ in core.changes() }
            state.withLock { $0.changing += 1 }
            do {
                try await call()
            } catch {
                state.withLock { $0.changing -= 1 }
                throw error
            }
            replace(by: credentials, isChanged: true) { number in
                stream.map { listen(to: $0, for: core, number) }
            }
        }
        try await changing.valueUnlessCancelled()
    }

    /// Asks nobody any more.
    func forget() {
        replace(by: nil, isChanged: false) { _ in nil }
    }

    private func replace(
        by credentials: Credentials?, isChanged: Bool, listening: (_ number: Int) -> Task<Void, Never>?
    ) {
        let old = state.withLock { state in
            let old = state
            let number = old.number + 1
            state = State(number: number, changing: old.changing - (isChanged ? 1 : 0), credentials: credentials)
            state.listening = listening(number)
            return old
        }
        old.listening?.cancel()
        old.asking?.cancel()
    }

    /// Ends the wait before the next question: it may have an answer now.
    func hurry() {
        state.withLock { $0.waiting }?.cancel()
    }

    // MARK: In the background

    private func listen(to stream: CoreChangeStream, for core: CoreClient, _ number: Int) -> Task<Void, Never> {
        Task { [self, weak core] in
            await withTaskCancellationHandler {
                var questions = 0
                while let batch = await stream.next() {
                    for event in batch.events {
                        switch event {
                        case .syncCompleted: questions = 0
                        case .needsAuth:
                            repeat {
                                // A token that is refused as soon as it is given is waited for too.
                                if questions > 0 { await pause(after: questions, number) }
                                questions += 1
                            } while await !isSettled(core, number)
                        default: break
                        }
                    }
                }
            } onCancel: {
                stream.cancel()
            }
        }
    }

    private func pause(after questions: Int, _ number: Int) async {
        let wait = wait.withLock { $0 }
        // It is cut short by being cancelled, and says nothing else.
        let waiting = state.withLock { state in
            let waiting = Task<Void, Never> { try? await wait(questions) }
            if state.number == number { state.waiting = waiting }
            return waiting
        }
        await withTaskCancellationHandler {
            await waiting.value
        } onCancel: {
            waiting.cancel()
        }
    }

    /// Whether there is nothing more to ask, having asked.
    private func isSettled(_ core: CoreClient?, _ number: Int) async -> Bool {
        guard let renewal = core.flatMap({ renewal(for: $0, number) }) else { return true }
        do {
            if try await renewal.valueUnlessCancelled() || Task.isCancelled { return true }
            WildThingLog.warn("no other token for the one that was refused")
        } catch {
            if Task.isCancelled { return true }
            WildThingLog.warn("no other token for the one that was refused: \(error.withoutSecrets)")
        }
        return false
    }

    // MARK: Asking

    /// Asks for another token and hands it in, unless one was meanwhile. False if
    /// nobody has one.
    func renew(for core: CoreClient) async throws -> Bool {
        guard let renewal = renewal(for: core) else { return false }
        do {
            return try await renewal.valueUnlessCancelled()
        } catch is CancellationError where !Task.isCancelled {
            // The server was changed meanwhile: nobody needs that token any more.
            return false
        }
    }

    /// The question that is being asked, or another; `nil` if there is nobody to ask,
    /// or the server is not the one of that number any more.
    private func renewal(for core: CoreClient, _ wanted: Int? = nil) -> Task<Bool, any Error>? {
        state.withLock { state in
            let number = state.number
            guard let credentials = state.credentials, wanted ?? number == number else { return nil }
            if let asking = state.asking { return asking }
            let asking = Task { [self, weak core] in
                defer { self.state.withLock { if $0.number == number { $0.asking = nil } } }
                // Another was given since: by the app, or for somebody else's call.
                guard try await core?.getSyncStatus().connection == .needsAuth else { return true }
                let refused = core?.authSession()?.authToken
                // The same again would be refused again.
                guard let token = try await credentials(.refused), token != refused else { return false }
                return try self.state.withLock { state in
                    // For another server it is none, and that may be another right now.
                    guard state.number == number, state.changing == 0, let core else { return false }
                    try core.setAuthToken(token: token)
                    return true
                }
            }
            state.asking = asking
            return asking
        }
    }
}

extension Error {
    /// What happened, for the log. The words of an app's own error may hold a token.
    fileprivate var withoutSecrets: String {
        if let error = self as? WildThingError { return error.localizedDescription }
        let error = self as NSError
        return "\(error.domain) \(error.code)"
    }
}

extension WildThingClient {
    /// Makes a call; if the token is refused and another is to be had, once more.
    func renewing<Result: Sendable>(_ call: () async throws -> Result) async throws -> Result {
        do {
            return try await call()
        } catch let error as WildThingError {
            guard case .needsAuth = error, try await credentials.renew(for: core) else { throw error }
            return try await call()
        }
    }
}
