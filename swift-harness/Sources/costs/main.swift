// What calls cost: `cargo xtask swift --costs` builds everything for release and
// runs it. Nothing is judged here; medians are printed.
import Foundation
import WildThing

/// The median of what one call takes, in microseconds.
func median(_ rounds: Int, _ call: () async throws -> Void) async rethrows -> Double {
    var times: [Double] = []
    for _ in 0..<rounds {
        let begun = ContinuousClock.now
        try await call()
        let took = ContinuousClock.now - begun
        times.append(Double(took.components.attoseconds) / 1e12 + Double(took.components.seconds) * 1e6)
    }
    return times.sorted()[rounds / 2]
}

func line(_ what: String, _ microseconds: Double) {
    let number = String(format: "%10.2f µs", microseconds)
    print("\(number)  \(what)")
}

let folder = FileManager.default.temporaryDirectory.appendingPathComponent("wildthing-costs-\(UUID().uuidString)")
try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
let client = try await WildThingClient.open(
    at: folder.appendingPathComponent("home.db"), options: OpenOptions(durability: .fast))
let house = try await client.createHouse(NewHouse(name: "Cabin"))
let room = try await client.createRoom(NewRoom(houseID: house.id, name: "Hall"))
var lamp = ""
for number in 0..<300 {
    let device = try await client.createDevice(
        NewDevice(
            roomID: room.id, name: "Lamp \(number)", deviceType: .light, manufacturer: "Acme",
            capabilities: ["dim", "color"]))
    try await client.updateState(of: device.id, merging: ["power": "on", "brightness": 80])
    lamp = device.id
}

let batch = 1_000
line("a call that does not wait", await median(100) { for _ in 0..<batch { _ = client.salvaged } } / Double(batch))
line("a call that waits, of the core alone", try await median(2_000) { _ = try await client.clientID })
line("one device", try await median(2_000) { _ = try await client.fetchDevice(lamp) })
line("a list of one house", try await median(2_000) { _ = try await client.fetchHouses() })
line("a list of 300 devices", try await median(300) { _ = try await client.fetchDevices() })

// The same list once it is here: what reading it takes without the core.
let devices = try await client.fetchDevices()
let texts = devices.map { JSONValue.object($0.state).text }
line("of that, parsing 300 states", try await median(300) { for text in texts { _ = try JSONValue(parsing: text) } })
line("an edit, not waiting for the disk", try await median(300) { try await client.updateState(of: lamp, merging: ["n": 1]) })
await client.shutdown()
try FileManager.default.removeItem(at: folder)
