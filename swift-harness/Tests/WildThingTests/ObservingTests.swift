// Both ways of hearing of changes, live queries, and the model for SwiftUI.
import Foundation
import HarnessSupport
import Testing

@testable import WildThing

@Suite struct ObservingTests {
    let folder: Folder

    init() throws {
        folder = try Folder()
    }

    @Test func changesComeInOrderFromTheMomentTheyWereAskedFor() async throws {
        let client = try await folder.client()
        let changes = client.changes
        let (house, _, lamp) = try await client.furnish()
        try await client.updateState(of: lamp.id, merging: ["power": "on"])
        try await client.deleteHouse(house.id)
        var heard: [ChangeEvent] = []
        for await batch in changes {
            #expect(batch.missed == 0 && !batch.events.isEmpty)
            heard += batch.events
            if heard.contains(where: { if case .deleted(.house, _, _) = $0 { true } else { false } }) { break }
        }
        let words = heard.map { $0.eventType }
        #expect(words.prefix(4) == ["created", "created", "created", "state_changed"])
        guard case .stateChanged(let device, _, .local, let state) = heard[3] else {
            throw NeverCame(description: "the state")
        }
        #expect(device == lamp.id && state == ["power": "on"])
    }

    @Test func aSequenceThatIsLeftLeavesNoSubscription() async throws {
        let client = try await folder.client()
        let (house, room, lamp) = try await client.furnish()
        #expect(client.subscriptions == 0)
        for try await houses in client.houses {
            #expect(houses.map(\.id) == [house.id] && client.subscriptions == 1)
            break
        }
        for try await _ in client.rooms(in: house.id) { break }
        for try await _ in client.devices(in: room.id) { break }
        for try await _ in client.state(of: lamp.id) { break }
        for try await _ in client.status { break }
        #expect(client.subscriptions == 0)

        let changes = client.changes
        #expect(client.subscriptions == 1)
        try await client.updateHouse(house.id, with: HousePatch(name: "Hut"))
        for await _ in changes { break }
        #expect(client.subscriptions == 0)
        do { _ = client.changes }
        #expect(client.subscriptions == 0)

        // An error leaves none either.
        await #expect(throws: WildThingError.notFound(kind: "device", id: "none")) {
            for try await _ in client.state(of: "none") {}
        }
        await #expect(throws: WildThingError.self) {
            for try await _ in client.rooms(in: "") {}
        }
        #expect(client.subscriptions == 0)
    }

    @Test func aCancelledTaskEndsItsSequences() async throws {
        let client = try await folder.client()
        let live = Task {
            var answers = 0
            for try await _ in client.houses { answers += 1 }
            return answers
        }
        let told = Task {
            for await _ in client.changes {}
            return true
        }
        try await eventually("both listen") { client.subscriptions == 2 }
        live.cancel()
        told.cancel()
        #expect(try await soon { try await live.value } <= 1)
        #expect(try await soon { await told.value })
        try await eventually("nobody listens") { client.subscriptions == 0 }
    }

    @Test func aLiveQueryAnswersAgainWhenSomethingChanged() async throws {
        let client = try await folder.client()
        let (_, room, lamp) = try await client.furnish()
        let devices = client.devices(in: room.id).makeAsyncIterator()
        let state = client.state(of: lamp.id).makeAsyncIterator()
        #expect(try await devices.next()?.map(\.name) == ["Lamp"])
        #expect(try await state.next()?.state == [:])
        try await client.updateState(of: lamp.id, merging: ["level": 3])
        #expect(try await soon { try await devices.next() }?.first?.state == ["level": 3])
        let answer = try await soon { try await state.next() }
        #expect(answer?.state == ["level": 3] && answer?.id == lamp.id)
        try await client.deleteDevice(lamp.id)
        #expect(try await soon { try await devices.next() } == [])
        await #expect(throws: WildThingError.notFound(kind: "device", id: lamp.id)) { try await state.next() }
    }

    @Test func anObserverIsCalledUntilItIsCancelled() async throws {
        let client = try await folder.client()
        let (heard, tell) = AsyncStream.makeStream(of: ChangeBatch.self)
        let observation = client.observeChanges { tell.yield($0) }
        #expect(observation.isActive && client.subscriptions == 1)
        let house = try await client.createHouse(NewHouse(name: "Cabin"))
        let batch = try await soon {
            var heard = heard.makeAsyncIterator()
            return await heard.next()
        }
        #expect(batch?.events == [.created(kind: .house, id: house.id, origin: .local, name: "Cabin")])
        observation.cancel()
        #expect(!observation.isActive && client.subscriptions == 0)
        do { _ = client.observeChanges { _ in } }
        #expect(client.subscriptions == 0)
    }

    @Test func theLogIsHeard() async throws {
        let (heard, tell) = AsyncStream.makeStream(of: LogRecord.self)
        try WildThingLog.setHandler(level: .debug) { tell.yield($0) }
        let client = try await folder.client("logged", options: OpenOptions(echo: true))
        _ = try await client.fetchHouses()
        let record = try await soon { await heard.first { $0.target == "wildthing::sql" } }
        #expect(record?.level == .debug && record?.text.isEmpty == false)
        // The layer has something to tell too.
        WildThingLog.warn("no other token")
        let own = try await soon { await heard.first { $0.target == "wildthing::swift" } }
        #expect(own?.level == .warning && own?.text == "no other token")
        try WildThingLog.setHandler(level: .off) { _ in }
    }

    @Test @MainActor func aModelFollowsItsHouse() async throws {
        let hub = try Hub(sample: 30)
        let client = try await folder.client(at: hub.url)
        let model = HouseModel(client: client)
        #expect(model.house == nil && model.rooms.isEmpty)
        let running = Task { await model.run() }
        model.perform { try await $0.sync() }
        try await eventually("the house is shown") {
            model.house != nil && model.status?.connection == .online
                && model.rooms.contains { !model.devices(in: $0).isEmpty }
        }
        #expect(model.error == nil)
        let room = try #require(model.rooms.first { !model.devices(in: $0).isEmpty })
        let device = try #require(model.devices(in: room).first)
        await model.perform { try await $0.updateDevice(device.id, with: DevicePatch(name: "Renamed")) }.value
        try await eventually("the name is shown") { model.devices(in: room).contains { $0.name == "Renamed" } }
        await model.perform { try await $0.deleteDevice("none") }.value
        #expect(model.error as? WildThingError == .notFound(kind: "device", id: "none"))
        #expect(model.unplacedDevices.isEmpty && model.houses.count == 1 && model.status?.connection == .online)
        model.houseID = "another"
        #expect(model.house == nil)
        running.cancel()
        try await soon { await running.value }
        #expect(client.subscriptions == 0)
    }
}
