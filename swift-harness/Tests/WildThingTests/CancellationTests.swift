// What happens when a task is cancelled, or the client goes, in the middle.
import Foundation
import HarnessSupport
import Testing

@testable import WildThing

@Suite struct CancellationTests {
    let folder: Folder

    init() throws {
        folder = try Folder()
    }

    /// Runs work, cancels it as soon as `when` is so, and gives what it threw.
    func cancelled(
        when: () async throws -> Bool, _ work: @escaping @Sendable () async throws -> Void
    ) async throws -> any Error {
        let task = Task { try await work() }
        try await eventually("it is the time to cancel", when)
        task.cancel()
        return try await soon("a cancelled call ends") {
            do {
                try await task.value
            } catch {
                return error
            }
            throw NeverCame(description: "an error")
        }
    }

    /// Joins the sync that runs, and gives up; many times, since nobody can see whether
    /// one was early enough to be let in.
    func joinAndLeave(_ client: WildThingClient) async throws {
        for _ in 0..<20 {
            let begun = Locked(false)
            let error = try await cancelled(when: { begun.withLock { $0 } }) {
                begun.withLock { $0 = true }
                try await client.sync()
            }
            #expect(error is CancellationError)
        }
    }

    @Test func aSyncAgainstAHubThatNeverAnswersEndsWithItsTask() async throws {
        let server = try StubServer { _ in nil }
        let client = try await folder.client(at: server.url)
        try await client.furnish()
        for _ in 0..<20 {
            let before = server.requests.count
            let error = try await cancelled(when: { server.requests.count > before }) { try await client.sync() }
            #expect(error is CancellationError)
        }
        // The next one works.
        let hub = try Hub()
        try await client.connect(to: hub.url, token: hubToken)
        #expect(try await soon { try await client.sync() }.pushed == 3)
    }

    @Test func aCancelledCallReturnsWhileTheHubStillHoldsTheRequest() async throws {
        let server = try StubServer { _ in nil }
        let client = try await folder.client(at: server.url)
        // Somebody else waits for the same sync, so that it goes on.
        let other = Task { try await client.sync() }
        try await eventually("the request is held") { server.holdsRequest }
        try await joinAndLeave(client)
        #expect(server.holdsRequest && server.requests.count == 1)
        client.cancelSync()
        #expect(try await thrown { try await soon { try await other.value } } == .cancelled)
        try await eventually("the request is given up") { !server.holdsRequest }
        // A sync after that is another.
        let hub = try Hub()
        try await client.connect(to: hub.url, token: hubToken)
        #expect(try await soon { try await client.sync() }.errors.isEmpty)
    }

    @Test func aBackgroundSyncGoesOnWithoutWhoWaitedForIt() async throws {
        let server = try StubServer { _ in nil }
        let client = try await folder.client(at: server.url)
        try await client.startBackgroundSync()
        try await eventually("the request is held") { server.holdsRequest }
        try await joinAndLeave(client)
        #expect(server.holdsRequest && server.requests.count == 1)
        try await soon { await client.stopBackgroundSync() }
        try await eventually("the request is given up") { !server.holdsRequest }
    }

    @Test func waitingForASyncEndsWithItsTask() async throws {
        let server = try StubServer { _ in nil }
        let client = try await folder.client(at: server.url)
        let error = try await cancelled(when: { server.holdsRequest }) {
            try await client.waitUntilSynced(timeout: .seconds(3600))
        }
        #expect(error is CancellationError)
        try await eventually("the request is given up") { !server.holdsRequest }
        let late = try await thrown { try await client.waitUntilSynced(timeout: .milliseconds(1)) }
        guard case .timeout(let waited, let pending) = late else { throw late }
        #expect(waited == .milliseconds(1) && pending == 0)
    }

    @Test func probingEndsWithItsTask() async throws {
        let server = try StubServer { _ in nil }
        let client = try await folder.client(at: server.url)
        let error = try await cancelled(when: { server.holdsRequest }) { try await client.probe() }
        #expect(error is CancellationError)
    }

    @Test func anEditOfACancelledTaskIsNotBegunOrWhole() async throws {
        let client = try await folder.client()
        let (_, room, _) = try await client.furnish()
        let tasks = (0..<200).map { number in
            Task { try await client.createDevice(NewDevice(roomID: room.id, name: "\(number)")) }
        }
        for (number, task) in tasks.enumerated() where number % 2 == 0 { task.cancel() }
        var made: Set<String> = []
        var cancelled = 0
        for task in tasks {
            switch await task.result {
            case .success(let device): made.insert(device.id)
            case .failure(let error):
                #expect(error is CancellationError)
                cancelled += 1
            }
        }
        // Whatever was said to be there is there, and what else there is is whole.
        #expect(made.count + cancelled == 200)
        // Some that were cancelled are still being made: the two looks agree in the end.
        try await eventually("each device that is there waits to be sent") {
            let devices = try await client.fetchDevices(in: room.id)
            #expect(made.isSubset(of: devices.map(\.id)))
            return try await client.fetchPendingChanges().count == devices.count + 2
        }
    }

    @Test func aTaskThatWasCancelledBeforeBeginsNothing() async throws {
        let client = try await folder.client()
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            try await client.createHouse(NewHouse(name: "Never"))
        }
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(try await client.fetchHouses().isEmpty)
    }

    @Test func aClientMayGoWhileASyncRuns() async throws {
        let server = try StubServer { _ in nil }
        weak var gone: WildThingClient?
        // A sequence that is kept does not keep it.
        let changes: Changes
        let houses: LiveQuery<[House]>
        do {
            let client = try await folder.client(at: server.url)
            gone = client
            (changes, houses) = (client.changes, client.houses)
            try await client.startBackgroundSync()
            try await eventually("the request is held") { server.holdsRequest }
        }
        #expect(gone == nil)
        try await eventually("the request is given up") { !server.holdsRequest }
        try await soon("the sequences end") {
            for try await _ in houses {}
            for await _ in changes {}
            for await _ in changes {}
        }
        // The file is free again.
        #expect(try await folder.client().fetchHouses().isEmpty)
    }

    @Test func shuttingDownEndsWhatWaits() async throws {
        let server = try StubServer { _ in nil }
        let client = try await folder.client(at: server.url)
        let syncing = Task { try await client.sync() }
        let changes = client.changes
        let listening = Task { await changes.reduce(into: 0) { count, _ in count += 1 } }
        try await eventually("the request is held") { server.holdsRequest }
        try await soon { await client.shutdown() }
        #expect(try await thrown { try await syncing.value } == .cancelled)
        #expect(try await soon { await listening.value } > 0)
        #expect(try await thrown { try await soon { try await client.sync() } } == .cancelled)
        #expect(try await thrown { try await soon { try await client.waitUntilSynced() } } == .cancelled)
    }

    @Test func aCancelledTaskPausesAllTheSame() async throws {
        let server = try StubServer { _ in nil }
        let client = try await folder.client(at: server.url)
        let error = try await cancelled(when: { server.holdsRequest }) {
            do {
                try await client.sync()
            } catch {
                try await client.pause()
                throw error
            }
        }
        #expect(error is CancellationError)
        #expect(try await client.fetchStatus().isPaused)
        #expect(try await thrown { try await client.fetchHouses() } == .paused)
    }
}
