// What the documentation shows, as code that compiles. `cargo xtask swift` holds
// every Swift snippet of README and catalogue to the lines of these files.
import Foundation
import WildThing

struct LampSettings: Codable {
    var power: String
}

protocol Tokens: Sendable {
    var current: String { get }
    func renewed() async throws -> String
}

func openAndConnect(file: URL, server: URL, token: String, tokens: some Tokens) async throws {
    let client = try await WildThingClient.open(at: file)
    try await client.connect(to: server, token: token)
    try await client.sync()

    try await client.connect(to: server) { request in
        request == .connecting ? tokens.current : try await tokens.renewed()
    }
}

#if canImport(Security)
func keepInKeychain(_ client: WildThingClient, server: URL) async throws {
    let keychain = KeychainToken(service: "com.example.home", account: "hub")
    try await client.connect(to: server, credentials: keychain.credentials())
}
#endif

func read(_ client: WildThingClient, lamp: Device) async throws {
    let house = try await client.fetchHouse()
    for room in try await client.fetchRooms(in: house.id) {
        let devices = try await client.fetchDevices(in: room.id)
        print(room.name, devices.map(\.name))
    }

    let level = lamp.state["brightness"]?.intValue ?? 0
    let settings = try lamp.state.decoded(as: LampSettings.self)
    print(level, settings)

    let state: JSONObject = ["power": "on", "brightness": 80]
    let brightness = state["brightness"]?.intValue
    print(state, brightness ?? 0)
}

func edit(_ client: WildThingClient, house: House) async throws {
    let room = try await client.createRoom(NewRoom(houseID: house.id, name: "Kitchen"))
    let lamp = try await client.createDevice(NewDevice(roomID: room.id, name: "Ceiling light", deviceType: .light))
    try await client.updateState(of: lamp.id, merging: ["power": "on", "brightness": 80])
    try await client.updateRoom(room.id, with: RoomPatch(floor: 1, clear: [.settings]))
}

func follow(_ client: WildThingClient, room: Room) async throws {
    for try await devices in client.devices(in: room.id) {
        print(devices.map(\.name))
    }

    for await batch in client.changes {
        for case .stateChanged(let deviceID?, _, .remote, let state) in batch.events {
            print(deviceID, "does", state)
        }
    }
}

func keepInSync(_ client: WildThingClient, tokens: some Tokens, show: (String) -> Void) async throws {
    try await client.startBackgroundSync(every: .seconds(30))

    do {
        try await client.sync()
    } catch WildThingError.offline {
        // Edits are safe, and are sent when the server is back.
    } catch WildThingError.needsAuth {
        try client.setToken(try await tokens.renewed())
    } catch {
        show(error.localizedDescription)
    }
}
