// Waiting for what must come, and not for ever.
import Foundation

/// Nothing here takes a second; this long means that it never comes.
public let patience: Duration = .seconds(60)

/// What did not come.
public struct NeverCame: Error, CustomStringConvertible {
    public let description: String

    public init(description: String) {
        self.description = description
    }
}

/// Looks again and again until something is so.
public func eventually(
    _ what: String, isolation: isolated (any Actor)? = #isolation, _ condition: () async throws -> Bool
) async throws {
    let deadline = ContinuousClock.now + patience
    while try await !condition() {
        guard ContinuousClock.now < deadline else { throw NeverCame(description: what) }
        try await Task.sleep(for: .milliseconds(2))
    }
}

/// The result of work that must end soon. Work that does not is left behind: a
/// test that hangs tells nobody what hung.
public func soon<Result: Sendable>(
    _ what: String = "the call ends", _ work: @escaping @Sendable () async throws -> Result
) async throws -> Result {
    let (results, tell) = AsyncThrowingStream.makeStream(of: Result.self)
    let working = Task {
        do {
            tell.yield(try await work())
        } catch {
            tell.finish(throwing: error)
        }
    }
    let waiting = Task {
        try await Task.sleep(for: patience)
        tell.finish(throwing: NeverCame(description: what))
    }
    defer {
        working.cancel()
        waiting.cancel()
    }
    for try await result in results { return result }
    throw CancellationError()
}
