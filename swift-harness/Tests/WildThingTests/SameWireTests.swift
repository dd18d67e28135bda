// The same edits make the same messages as in Rust, byte for byte: see
// `tests/same_wire.rs`, whose edits these are.
import Foundation
import HarnessSupport
import Testing

@testable import WildThing

@Suite struct SameWireTests {
    let folder: Folder

    init() throws {
        folder = try Folder()
    }

    /// A server of both protocols that takes everything, and shows the edges it was sent.
    static func server() throws -> StubServer {
        let known = Locked<[JSONValue]>([])
        return try StubServer { request in
            let body = (try? JSONValue(parsing: String(decoding: request.body, as: UTF8.self))) ?? .null
            let changes = body["changes"]?.arrayValue ?? []
            let answer: JSONValue
            switch request.path.split(separator: "/").last {
            case "push":
                let taken = changes.map { change -> JSONValue in
                    [
                        "client_sync_id": change["client_sync_id"] ?? nil,
                        "server_sync_id": change["data"]?["sync_id"] ?? nil, "status": "applied",
                    ]
                }
                answer = [
                    "type": "sync_result", "applied": .array(taken), "conflicts": [],
                    "server_time": "2026-01-01T00:00:00.000002",
                ]
            case "ack":
                answer = [
                    "type": "sync_ack_response", "status": "acknowledged",
                    "server_time": "2026-01-01T00:00:00.000003",
                ]
            case "request":
                answer = [
                    "type": "sync_delta", "server_time": "2026-01-01T00:00:00.000001", "changes": [],
                    "conflicts": [], "more": false,
                ]
            case "sync":
                let edges = changes.flatMap { $0["relationships"]?.arrayValue ?? [] }
                known.withLock { known in
                    for edge in edges {
                        known.removeAll { $0["id"] == edge["id"] }
                        known.append(edge)
                    }
                }
                answer = [
                    "protocol_version": "inbetweenies-v2", "sync_type": "delta", "changes": [], "conflicts": [],
                    "applied": .array(changes.compactMap { $0["entity"]?["id"] }),
                    "applied_relationships": .array(edges.compactMap { $0["id"] }),
                    "server_time": "2026-01-01T00:00:00.000001+00:00",
                ]
            default:
                let edges = known.withLock { $0 }
                answer = ["relationships": .array(edges), "count": .int(edges.count)]
            }
            return (200, answer.text)
        }
    }

    func edit(_ client: WildThingClient, _ server: URL, _ version: SyncProtocol) async throws {
        let house = try await client.createHouse(
            NewHouse(
                name: "Häuschen 🏡", address: "1 Main Street", latitude: 52.52, longitude: -13.4,
                timezone: "Europe/Berlin",
                settings: [
                    "beyond": .number("1208925819614629174706176"), "list": [1, nil, 2.5, "a\"b\\c\n"],
                ]))
        let hall = try await client.createRoom(
            NewRoom(houseID: house.id, name: "مطبخ", floor: -1, roomType: "hall"))
        let lamp = try await client.createDevice(
            NewDevice(
                roomID: hall.id, name: "Lamp", deviceType: .light, manufacturer: "Acme",
                capabilities: ["dim", "color"], configuration: ["nested": ["deep": [true, false, [:]]]]))
        try await client.updateState(of: lamp.id, merging: ["power": "on", "brightness": 80, "warmth": 0.5])
        try await client.updateState(of: lamp.id, merging: ["brightness": nil], attributes: ["by": "Ada"])
        let ada = try await client.createUser(
            NewUser(houseID: house.id, name: "Ada", email: "ada@example.org", role: .admin))
        try await client.logEvent(
            NewEvent(eventType: "seen", entityType: .device, entityID: lamp.id, data: ["n": 1]))
        try await client.connect(to: server, token: "token", options: ConnectOptions(protocol: version))
        try await client.sync()
        if version == .v2 { try await editGraph(client, lamp.id) }

        try await client.updateRoom(hall.id, with: RoomPatch(name: "Hall", clear: [.floor]))
        try await client.updateDevice(lamp.id, with: DevicePatch(model: "M1"))
        try await client.replaceState(of: lamp.id, with: ["mode": "night"])
        try await client.deleteUser(ada.id)
        try await client.sync()
    }

    /// What only a graph has a place for.
    func editGraph(_ client: WildThingClient, _ lamp: RecordID) async throws {
        let note = try await client.createEntity(
            NewEntity(
                entityType: "note", name: "How to",
                content: ["text": "Dreh den Knopf ⤵", "pages": [1, ["n": 2.5]]], sourceType: "imported"))
        let edge = try await client.connectEntities(
            from: note.id, to: lamp, as: "documented_by", properties: ["since": 2026])
        let zone = try await client.createEntity(NewEntity(entityType: "zone", name: "Upstairs"))
        try await client.connectEntities(from: lamp, to: zone.id, as: "located_in")
        try await client.sync()

        try await client.updateEntity(note.id, with: EntityPatch(content: ["text": nil, "pages": 3]))
        try await client.updateEntity(
            zone.id, with: EntityPatch(name: "Above", content: ["level": 1], replace: true))
        try await client.disconnectEntities(edge.id)
    }

    @Test(arguments: [SyncProtocol.v1, .v2])
    func theMessagesAreThoseOfEveryLanguage(_ version: SyncProtocol) async throws {
        let server = try Self.server()
        // The name by which an engine for tests fixes ids and times.
        let client = try await folder.client("fixed-seam")
        try await edit(client, server.url, version)
        let sent = server.requests.map { "\($0.path) \(String(decoding: $0.body, as: UTF8.self))\n" }

        let root = try #require(ProcessInfo.processInfo.environment["WILDTHING_ROOT"])
        let file = URL(fileURLWithPath: root)
            .appendingPathComponent("tests/data/same-wire-\(version == .v1 ? "v1" : "v2").txt")
        let expected = try String(contentsOf: file, encoding: .utf8).split(separator: "\n").map { "\($0)\n" }
        #expect(sent.count == expected.count)
        for (sent, expected) in zip(sent, expected) { #expect(sent == expected) }
    }
}
