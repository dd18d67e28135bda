// A house without any server.
import Foundation
import HarnessSupport
import Testing
import WildThing

@Suite struct OfflineTests {
    let folder: Folder

    init() throws {
        folder = try Folder()
    }

    @Test func aHouseIsBuiltReadAndTakenDown() async throws {
        let client = try await folder.client()
        #expect(client.salvaged == nil)
        let made = try await client.createHouse(NewHouse(name: "Häuschen 🏡", settings: ["list": [1, nil]]))
        #expect(made.settings == ["list": [1, nil]] && made.createdAt != nil)
        #expect(try await client.fetchHouse() == made)
        #expect(try await client.fetchHouse(made.id).name == "Häuschen 🏡")
        let moved = try await client.updateHouse(
            made.id, with: HousePatch(address: "1 Main Street", clear: [.settings]))
        #expect(moved.address == "1 Main Street" && moved.settings == nil)
        #expect(try await client.fetchHouses() == [moved])

        let room = try await client.createRoom(NewRoom(houseID: made.id, name: "Hall", floor: -1))
        #expect(try await client.updateRoom(room.id, with: RoomPatch(floor: 2)).floor == 2)
        #expect(try await client.fetchRoom(room.id).name == "Hall")
        #expect(try await client.fetchRooms() == client.fetchRooms(in: made.id))

        let lamp = try await client.createDevice(
            NewDevice(roomID: room.id, name: "Lamp", deviceType: .unknown(name: "lava lamp")))
        #expect(try await client.fetchDevice(lamp.id).deviceType == .unknown(name: "lava lamp"))
        #expect(try await client.updateDevice(lamp.id, with: DevicePatch(deviceType: .light)).deviceType == .light)
        #expect(try await client.fetchDevices() == client.fetchDevices(in: room.id))

        try await client.updateState(of: lamp.id, merging: ["power": "on", "brightness": 80])
        let merged = try await client.updateState(
            of: lamp.id, merging: ["brightness": nil], attributes: ["by": "harness"])
        #expect(merged.state == ["power": "on"] && merged.attributes == ["by": "harness"])
        let replaced = try await client.replaceState(of: lamp.id, with: ["mode": "night"])
        #expect(try await client.fetchState(of: lamp.id) == replaced)
        let states = try await client.fetchStateHistory(of: lamp.id, limit: 10).map(\.state)
        #expect(states == [["mode": "night"], ["power": "on"], ["power": "on", "brightness": 80]])

        let user = try await client.createUser(NewUser(houseID: made.id, name: "Ada", role: .admin))
        #expect(try await client.updateUser(user.id, with: UserPatch(email: "ada@example.org")).email != nil)
        #expect(try await client.fetchUser(user.id).role == .admin)
        #expect(try await client.fetchUsers(in: made.id).count == 1)

        let event = try await client.logEvent(
            NewEvent(eventType: "seen", entityType: .device, entityID: lamp.id, data: ["n": 1]))
        #expect(try await client.fetchEvents(about: lamp.id, limit: 5) == [event])

        let told = try await client.explain(.device, lamp.id)
        #expect(!told.words.isEmpty && told.pending?.operation == .create)
        #expect(try await !client.fetchHistory(of: .device, lamp.id).isEmpty)
        let pending = try await client.fetchPendingChanges()
        #expect(pending.count == 6 && Set(pending.map(\.id)).count == 6)

        try await client.deleteUser(user.id)
        try await client.deleteDevice(lamp.id)
        try await client.deleteRoom(room.id)
        try await client.deleteHouse(made.id)
        #expect(try await client.fetchHouses().isEmpty)
        await client.shutdown()
        #expect(try await thrown { try await client.fetchHouses() } == .cancelled)
    }

    @Test(arguments: [
        "🏡👨‍👩‍👧‍👦🇩🇪", "مطبخ الجدة", "בית ‏قديم", "e\u{301} is not é", "\u{FEFF}marked", "日本の家",
    ])
    func namesOfAnyScriptComeBackAsTheyWere(_ name: String) async throws {
        let client = try await folder.client()
        let house = try await client.createHouse(NewHouse(name: name))
        let read = try await client.fetchHouse(house.id).name
        #expect(Array(read.unicodeScalars) == Array(name.unicodeScalars))
    }

    @Test func bigAndNestedJSONComesBackAsItWas() async throws {
        let client = try await folder.client()
        let (_, _, lamp) = try await client.furnish()
        var deep: JSONValue = ["end": true]
        for _ in 0..<20 { deep = ["in": [deep]] }
        let configuration: JSONValue = [
            "deep": deep, "int": .int(.max), "beyond": .number("1208925819614629174706176"), "half": 0.5,
            "whole": 2.0, "none": nil, "text": "a\"b\\c\n\u{0}😀", "many": .array((0..<10_000).map { .int($0) }),
        ]
        try await client.updateDevice(lamp.id, with: DevicePatch(configuration: configuration))
        #expect(try await client.fetchDevice(lamp.id).configuration == configuration)
    }

    @Test func aGraphIsBuiltWalkedAndSearched() async throws {
        let client = try await folder.client()
        let early = try await thrown { try await client.createEntity(NewEntity(entityType: "note", name: "Too early")) }
        guard case .unsupportedByServer = early else { throw early }
        try await client.connect(to: URL(string: "http://127.0.0.1:9")!, options: ConnectOptions(protocol: .v2))
        let (house, room, lamp) = try await client.furnish()
        let note = try await client.createEntity(
            NewEntity(entityType: "note", name: "How to", content: ["text": "Turn the knob"]))
        let changed = try await client.updateEntity(note.id, with: EntityPatch(content: ["page": 3]))
        #expect(changed.content == ["text": "Turn the knob", "page": 3])
        #expect(try await client.fetchEntity(note.id) == changed)
        #expect(try await client.fetchEntity(note.id, ofType: "note") == changed)
        #expect(try await client.fetchEntities(ofType: "device").map(\.name) == ["Lamp"])
        let edge = try await client.connectEntities(from: lamp.id, to: note.id, as: "documented_by")
        #expect(try await client.fetchRelationships(matching: RelationshipFilter(toID: note.id)) == [edge])
        #expect(try await client.fetchRelationships().count > 1)
        let near = try await client.fetchNeighbours(of: lamp.id, direction: .outgoing)
        #expect(Set(near.map(\.entity.name)) == ["Hall", "How to"] && Set(near.map(\.id)).count == 2)
        let path = try await client.findPath(from: note.id, to: house.id)
        #expect(path?.entities.map(\.name) == ["How to", "Lamp", "Hall", "Cabin"])
        #expect(try await client.findPath(from: note.id, to: house.id, maxDepth: 2) == nil)
        let hits = try await client.search("turn kno")
        #expect(hits.map(\.id) == [note.id])
        #expect(try await client.search("turn kno", types: ["device"], limit: 1).isEmpty)
        try await client.disconnectEntities(edge.id)
        try await client.deleteEntity(note.id)
        #expect(try await client.findPath(from: lamp.id, to: room.id) != nil)
        #expect(try await client.search("knob").isEmpty)
    }

    @Test(arguments: [SyncProtocol.v1, .v2])
    func everyFieldThatAPatchNamesCanBeEmptied(_ version: SyncProtocol) async throws {
        let client = try await folder.client()
        // Nobody is there; it says which shape records have.
        try await client.connect(to: URL(string: "http://127.0.0.1:9")!, options: ConnectOptions(protocol: version))
        let house = try await client.createHouse(
            NewHouse(name: "A", address: "b", latitude: 1, longitude: 2, timezone: "UTC", settings: ["c": 1]))
        let room = try await client.createRoom(
            NewRoom(houseID: house.id, name: "A", floor: 1, roomType: "b", settings: ["c": 1]))
        let device = try await client.createDevice(
            NewDevice(
                roomID: room.id, name: "A", manufacturer: "b", model: "c", capabilities: ["d"],
                configuration: ["e": 1], ipAddress: "f", macAddress: "g"))
        let user = try await client.createUser(
            NewUser(houseID: house.id, name: "A", email: "b", preferences: ["c": 1]))

        let bare = try await client.updateHouse(house.id, with: HousePatch(clear: HousePatch.Field.allCases))
        #expect(bare.address == nil && bare.latitude == nil && bare.longitude == nil)
        #expect(bare.timezone == nil && bare.settings == nil)
        let empty = try await client.updateRoom(room.id, with: RoomPatch(clear: RoomPatch.Field.allCases))
        #expect(empty.floor == nil && empty.roomType == nil && empty.settings == nil)
        let blank = try await client.updateDevice(device.id, with: DevicePatch(clear: DevicePatch.Field.allCases))
        #expect(blank.manufacturer == nil && blank.model == nil && blank.capabilities == nil)
        #expect(blank.configuration == nil && blank.ipAddress == nil && blank.macAddress == nil)
        let nobody = try await client.updateUser(user.id, with: UserPatch(clear: UserPatch.Field.allCases))
        #expect(nobody.email == nil && nobody.preferences == nil)
    }

    @Test func twoClientsOnOneFileHearOfEachOther() async throws {
        let (one, two) = (try await folder.client(), try await folder.client())
        let changes = two.changes.makeAsyncIterator()
        let house = try await one.createHouse(NewHouse(name: "Shared"))
        let batch = try await soon { await changes.next() }
        guard case .created(_, house.id, _, _)? = batch?.events.first else {
            throw NeverCame(description: "the house")
        }
        #expect(try await two.fetchHouses() == [house])
        try await two.updateHouse(house.id, with: HousePatch(name: "Ours"))
        #expect(try await one.fetchHouse().name == "Ours")
    }

    @Test func aHundredCallsAtATimeAllGetTheirOwnAnswer() async throws {
        let client = try await folder.client()
        let (_, room, _) = try await client.furnish()
        let names = try await withThrowingTaskGroup(of: String.self) { group in
            for number in 0..<100 {
                group.addTask {
                    let made = try await client.createDevice(NewDevice(roomID: room.id, name: "\(number)"))
                    return try await client.fetchDevice(made.id).name
                }
            }
            return try await group.reduce(into: Set()) { $0.insert($1) }
        }
        #expect(names == Set((0..<100).map(String.init)))
        #expect(try await client.fetchDevices(in: room.id).count == 101)
    }
}
