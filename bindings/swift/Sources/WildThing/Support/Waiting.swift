// Waiting for a task without being held up by it.

extension Task where Failure == any Error {
    /// The task's value; `CancellationError` as soon as the one that waits is
    /// cancelled. The task itself goes on: others may wait for it.
    func valueUnlessCancelled() async throws -> Success {
        let waiter = Locked(Waiter<Success>.none)
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let over = waiter.withLock { waiter in
                    if case .over = waiter { return true }
                    waiter = .waits(continuation)
                    return false
                }
                if over {
                    continuation.resume(throwing: _Concurrency.CancellationError())
                    return
                }
                Task<Void, Never> {
                    let result = await self.result
                    waiter.end()?.resume(with: result)
                }
            }
        } onCancel: {
            waiter.end()?.resume(throwing: _Concurrency.CancellationError())
        }
    }
}

private enum Waiter<Success: Sendable>: Sendable {
    case none
    case waits(CheckedContinuation<Success, any Error>)
    case over
}

extension Locked {
    /// Whoever gets the continuation resumes it; there is one who does.
    fileprivate func end<Success>() -> CheckedContinuation<Success, any Error>?
    where Value == Waiter<Success> {
        withLock { waiter in
            defer { waiter = .over }
            guard case .waits(let continuation) = waiter else { return nil }
            return continuation
        }
    }
}
