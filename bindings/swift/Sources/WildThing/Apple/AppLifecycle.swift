// Pausing with the app. iOS ends an app that is suspended while it holds a lock
// on a file in a shared container, and an open database holds one.
//
// Not verified on the machines this is developed on: they have no UIKit.
#if canImport(UIKit) && !os(watchOS)
import UIKit

/// Pauses a client when the app goes to the background, and resumes it when the
/// app comes back. Keep it as long as the app shows the house.
@MainActor
public final class AppLifecycle {
    private let client: WildThingClient
    nonisolated(unsafe) private var following: Task<Void, Never>?
    nonisolated(unsafe) private var observers: [any NSObjectProtocol] = []
    /// Time to finish in, given by the system.
    private var assertion = UIBackgroundTaskIdentifier.invalid
    /// What pausing or resuming threw last; the client's status tells how it stands.
    public private(set) var error: (any Error)?

    /// Begins to follow the app.
    public init(pausing client: WildThingClient) {
        self.client = client
        let (moves, note) = AsyncStream.makeStream(of: Bool.self)
        let center = NotificationCenter.default
        observers = [
            (UIApplication.didEnterBackgroundNotification, true),
            (UIApplication.willEnterForegroundNotification, false),
        ].map { name, leaves in
            center.addObserver(forName: name, object: nil, queue: .main) { _ in note.yield(leaves) }
        }
        // One after the other: a resume never overtakes its pause.
        following = Task { [weak self] in
            for await leaves in moves {
                if leaves { await self?.pause() } else { await self?.resume() }
            }
        }
    }

    deinit {
        following?.cancel()
        for observer in observers { NotificationCenter.default.removeObserver(observer) }
    }

    private func pause() async {
        assertion = UIApplication.shared.beginBackgroundTask(withName: "WildThing pauses") { [weak self] in
            self?.endAssertion()
        }
        do { try await client.pause() } catch { self.error = error }
        endAssertion()
    }

    private func endAssertion() {
        guard assertion != .invalid else { return }
        UIApplication.shared.endBackgroundTask(assertion)
        assertion = .invalid
    }

    private func resume() async {
        do { try await client.resume() } catch { self.error = error }
    }
}
#endif
