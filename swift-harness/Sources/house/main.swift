// A house, live, in a terminal. Start it twice, or edit with another client, and
// see every screen change:
//
//     HOUSE_TOKEN=… house <file> <server>
//     HOUSE_TOKEN=… house <file> <server> set <device> <json>
//
// It shows what an app does: open, connect, sync in the background, follow. The
// token is not an argument, since everybody on a machine sees those.
import Foundation
import WildThing

/// What the command line asks for.
struct Arguments {
    let file: URL
    let server: URL
    let token: String?
    /// A device, by id or name, and what to merge into its state.
    let edit: (device: String, state: JSONObject)?

    init(_ words: [String]) throws {
        guard words.count == 2 || (words.count == 5 && words[2] == "set"), let server = URL(string: words[1]) else {
            throw UsageError()
        }
        file = URL(fileURLWithPath: words[0])
        self.server = server
        token = ProcessInfo.processInfo.environment["HOUSE_TOKEN"]
        edit = words.count == 5 ? (words[3], try JSONObject(parsing: words[4])) : nil
    }
}

struct UsageError: LocalizedError {
    var errorDescription: String? {
        "usage: HOUSE_TOKEN=<token> house <file> <server> [set <device> <json>]"
    }
}

/// Prints the house as it is, again whenever something changes, until it is
/// interrupted.
func show(_ client: WildThingClient) async throws {
    try await client.startBackgroundSync(every: .seconds(1))
    async let status: Void = {
        for try await status in client.status {
            say("-- \(status.connection), \(status.pending) edits wait")
        }
    }()
    // Anything at all: rooms come with the devices in them.
    for try await devices in client.devices() {
        for room in try await client.fetchRooms() {
            say(room.name)
            for device in devices where device.roomID == room.id {
                say("  \(device.name)  \(JSONValue.object(device.state))\(mark(device.freshness))")
            }
        }
    }
    try await status
}

/// Prints a line that is seen at once, also through a pipe.
func say(_ line: String) {
    FileHandle.standardOutput.write(Data((line + "\n").utf8))
}

/// Where a device stands with the server, where that is worth saying.
func mark(_ freshness: Freshness) -> String {
    switch freshness {
    case .synced: ""
    case .pending: "  (not sent yet)"
    case .failed(_, let reason): "  (refused: \(reason))"
    case .superseded: "  (an edit made here lost)"
    }
}

/// Makes one edit and waits until the server has it.
func edit(_ client: WildThingClient, _ name: String, _ state: JSONObject) async throws {
    try await client.sync()
    let devices = try await client.fetchDevices()
    guard let device = devices.first(where: { $0.id == name || $0.name == name }) else {
        throw WildThingError.notFound(kind: "device", id: name)
    }
    let now = try await client.updateState(of: device.id, merging: state)
    try await client.waitUntilSynced()
    say("\(device.name)  \(JSONValue.object(now.state))")
}

do {
    let arguments = try Arguments(Array(CommandLine.arguments.dropFirst()))
    let client = try await WildThingClient.open(at: arguments.file)
    try await client.connect(to: arguments.server, token: arguments.token)
    if let (device, state) = arguments.edit {
        try await edit(client, device, state)
    } else {
        try await show(client)
    }
    await client.shutdown()
} catch {
    FileHandle.standardError.write(Data("house: \(error.localizedDescription)\n".utf8))
    exit(1)
}
