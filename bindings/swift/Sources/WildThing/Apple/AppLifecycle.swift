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
    /// What pausing or resuming threw last; the client's status tells how it stands.
    public private(set) var error: (any Error)?

    /// Begins to follow the app.
    public init(pausing client: WildThingClient) {
        self.client = client
        let (moves, note) = AsyncStream.makeStream(of: Move.self)
        let center = NotificationCenter.default
        // No queue: the blocks run on the main thread while UIKit posts. The app may be
        // suspended when the first one has returned, so it asks for time right there.
        observers = [
            center.addObserver(
                forName: UIApplication.didEnterBackgroundNotification, object: nil, queue: nil
            ) { _ in
                MainActor.assumeIsolated { _ = note.yield(.leaves(BackgroundTime())) }
            },
            center.addObserver(
                forName: UIApplication.willEnterForegroundNotification, object: nil, queue: nil
            ) { _ in
                note.yield(.returns)
            },
        ]
        // One after the other: a resume never overtakes its pause.
        following = Task { [weak self] in
            for await move in moves {
                switch move {
                case .leaves(let time):
                    await self?.pause()
                    time.end()
                case .returns:
                    await self?.resume()
                }
            }
        }
    }

    deinit {
        following?.cancel()
        for observer in observers { NotificationCenter.default.removeObserver(observer) }
    }

    private func pause() async {
        do { try await client.pause() } catch { self.error = error }
    }

    private func resume() async {
        do { try await client.resume() } catch { self.error = error }
    }
}

/// What the app does.
private enum Move: Sendable {
    case leaves(BackgroundTime)
    case returns
}

/// Time to finish in, given by the system from now on.
@MainActor
private final class BackgroundTime {
    private var task = UIBackgroundTaskIdentifier.invalid

    init() {
        // It is held until it ended: time that is never given back costs the app its life.
        task = UIApplication.shared.beginBackgroundTask(withName: "WildThing pauses") { self.end() }
    }

    func end() {
        guard task != .invalid else { return }
        UIApplication.shared.endBackgroundTask(task)
        task = .invalid
    }
}
#endif
