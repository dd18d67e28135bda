// Following the house as async sequences. Each iteration has a subscription of
// its own in the core, which is freed when the loop is left, in whatever way:
// the iterator holds the one reference to it.

/// The answer to a question about the house, given again whenever it changes.
///
/// Every iteration asks anew. It ends when its task is cancelled, and when the
/// client is shut down or goes. While the client is paused it waits. Changes
/// within 30 ms make one answer.
public struct LiveQuery<Answer: Sendable>: AsyncSequence, Sendable {
    public typealias Element = Answer

    /// Gives `nil` if the client is gone: a sequence that is kept does not keep it.
    let ask: @Sendable () throws -> Question<Answer>?

    public func makeAsyncIterator() -> Iterator {
        Iterator(question: Result(catching: ask))
    }

    /// One iteration.
    public struct Iterator: AsyncIteratorProtocol, Sendable {
        let question: Result<Question<Answer>?, any Error>

        /// The next answer; `nil` at the end. What can't be answered is thrown
        /// once; the next call waits for another answer.
        public func next() async throws -> Answer? {
            guard let question = try question.get() else { return nil }
            do {
                return try await question.next()
            } catch is CancellationError {
                question.cancel()
                return nil
            }
        }
    }
}

/// A live query of the core, whatever its class.
struct Question<Answer: Sendable>: Sendable {
    let next: @Sendable () async throws -> Answer?
    let cancel: @Sendable () -> Void

    init<Query: CoreQuery>(_ query: Query) where Query.Answer == Answer {
        next = { try await query.next() }
        cancel = { query.cancel() }
    }
}

/// What all live queries of the core can do.
protocol CoreQuery: AnyObject, Sendable {
    associatedtype Answer: Sendable
    func next() async throws -> Answer?
    func cancel()
}

extension CoreHousesQuery: CoreQuery {}
extension CoreRoomsQuery: CoreQuery {}
extension CoreDevicesQuery: CoreQuery {}
extension CoreDeviceStateQuery: CoreQuery {}
extension CoreStatusQuery: CoreQuery {}

/// What happens to the house: one batch of events a commit, in order.
///
/// It tells everything from the moment it was taken from the client. Each further
/// iteration of the same value starts when it begins. It ends when its task is
/// cancelled, and when the client is shut down or goes.
///
/// Up to 8,192 events wait for a slow reader; ``ChangeBatch/missed`` says how many
/// were dropped before a batch.
public struct Changes: AsyncSequence, Sendable {
    public typealias Element = ChangeBatch

    /// Gives `nil` if the client is gone: a sequence that is kept does not keep it.
    private let begin: @Sendable () -> CoreChangeStream?
    /// Begun when the sequence was made; for the first iteration.
    private let first: Locked<CoreChangeStream?>

    init(_ begin: @escaping @Sendable () -> CoreChangeStream?) {
        self.begin = begin
        self.first = Locked(begin())
    }

    public func makeAsyncIterator() -> Iterator {
        let first = first.withLock { first in
            defer { first = nil }
            return first
        }
        return Iterator(stream: first ?? begin())
    }

    /// One iteration.
    public struct Iterator: AsyncIteratorProtocol, Sendable {
        let stream: CoreChangeStream?

        /// The next batch; `nil` at the end.
        public func next() async -> ChangeBatch? {
            guard let stream else { return nil }
            return await withTaskCancellationHandler {
                await stream.next()
            } onCancel: {
                stream.cancel()
            }
        }
    }
}

extension WildThingClient {
    /// What happens from now on: by this client, by the server, and by other
    /// processes on the same file.
    public var changes: Changes {
        Changes { [weak core] in core.map { core in core.changes() } }
    }

    /// Every house, by name, now and whenever that changes.
    public var houses: LiveQuery<[House]> {
        LiveQuery { [weak core] in core.map { core in Question(core.watchHouses()) } }
    }

    /// The rooms of a house, or all, by name, now and whenever that changes.
    public func rooms(in houseID: RecordID? = nil) -> LiveQuery<[Room]> {
        LiveQuery { [weak core] in try core.map { core in Question(try core.watchRooms(houseID: houseID)) } }
    }

    /// The devices of a room, or all, by name, now and whenever that changes.
    public func devices(in roomID: RecordID? = nil) -> LiveQuery<[Device]> {
        LiveQuery { [weak core] in try core.map { core in Question(try core.watchDevices(roomID: roomID)) } }
    }

    /// What a device is doing, now and whenever that changes. Throws
    /// ``WildThingError/notFound(kind:id:)`` when the device is not here.
    public func state(of deviceID: RecordID) -> LiveQuery<DeviceState> {
        LiveQuery { [weak core] in try core.map { core in Question(try core.watchDeviceState(deviceID: deviceID)) } }
    }

    /// Where the replica stands, now and whenever that changes.
    public var status: LiveQuery<SyncStatus> {
        LiveQuery { [weak core] in core.map { core in Question(core.watchStatus()) } }
    }
}
