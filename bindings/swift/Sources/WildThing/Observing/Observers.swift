// Being called back: for code that has no task to run a sequence in.

extension WildThingClient {
    /// Calls `handler` with every change from now on, until the observation is
    /// cancelled or let go of, or the client ends.
    ///
    /// It is called on a thread of the library, with one batch at a time, in
    /// order. It may take its time and call the client: nobody else is held up.
    public func observeChanges(
        _ handler: @escaping @Sendable (ChangeBatch) -> Void
    ) -> ChangeObservation {
        ChangeObservation(subscription: core.observeChanges(observer: Handler(handler)))
    }
}

/// A handler's place among the listeners. Letting go of it cancels it.
public final class ChangeObservation: Sendable {
    private let subscription: CoreChangeSubscription

    init(subscription: CoreChangeSubscription) {
        self.subscription = subscription
    }

    deinit {
        subscription.cancel()
    }

    /// Ends it: no further call begins. One that runs on another thread is not
    /// waited for. The handler itself may call it.
    public func cancel() {
        subscription.cancel()
    }

    /// Whether changes are still to come: false once it was cancelled or the
    /// client ended.
    public var isActive: Bool { subscription.isActive() }
}

private final class Handler: CoreChangeObserver {
    private let handler: @Sendable (ChangeBatch) -> Void

    init(_ handler: @escaping @Sendable (ChangeBatch) -> Void) {
        self.handler = handler
    }

    func onChanges(batch: ChangeBatch) throws {
        handler(batch)
    }
}
