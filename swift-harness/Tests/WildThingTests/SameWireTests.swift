// The same edits make the same messages as in Rust, byte for byte: see
// `tests/same_wire.rs`, whose edits these are.
import Foundation
import HarnessSupport
import Testing
import WildThing

@Suite struct SameWireTests {
    let folder: Folder

    init() throws {
        folder = try Folder()
    }

    /// A server that takes everything.
    @Sendable static func answer(_ request: Recorded) -> (status: Int, body: String)? {
        let answer: JSONValue
        switch request.path.split(separator: "/").last {
        case "push":
            let push = try? JSONValue(parsing: String(decoding: request.body, as: UTF8.self))
            let taken = (push?["changes"]?.arrayValue ?? []).map { change -> JSONValue in
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
                "type": "sync_ack_response", "status": "acknowledged", "server_time": "2026-01-01T00:00:00.000003",
            ]
        default:
            answer = [
                "type": "sync_delta", "server_time": "2026-01-01T00:00:00.000001", "changes": [], "conflicts": [],
                "more": false,
            ]
        }
        return (200, answer.text)
    }

    func edit(_ client: WildThingClient, _ server: URL) async throws {
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
        try await client.connect(to: server, token: "token", options: ConnectOptions(protocol: .v1))
        try await client.sync()

        try await client.updateRoom(hall.id, with: RoomPatch(name: "Hall", clear: ["floor"]))
        try await client.updateDevice(lamp.id, with: DevicePatch(model: "M1"))
        try await client.replaceState(of: lamp.id, with: ["mode": "night"])
        try await client.deleteUser(ada.id)
        try await client.sync()
    }

    @Test func theMessagesAreThoseOfEveryLanguage() async throws {
        let server = try StubServer(Self.answer)
        // The name by which an engine for tests fixes ids and times.
        let client = try await folder.client("fixed-seam")
        try await edit(client, server.url)
        let sent = server.requests.map { "\($0.path) \(String(decoding: $0.body, as: UTF8.self))\n" }

        let root = try #require(ProcessInfo.processInfo.environment["WILDTHING_ROOT"])
        let file = URL(fileURLWithPath: root).appendingPathComponent("tests/data/same-wire-v1.txt")
        let expected = try String(contentsOf: file, encoding: .utf8).split(separator: "\n").map { "\($0)\n" }
        #expect(sent.count == expected.count)
        for (sent, expected) in zip(sent, expected) { #expect(sent == expected) }
    }
}
