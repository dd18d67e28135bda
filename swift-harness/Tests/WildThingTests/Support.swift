// What every test needs: a client on a file of its own, connected or not.
import CoreTesting
import Foundation
import HarnessSupport
import Testing

@testable import WildThing

/// A folder for the replicas of one test, removed with it.
final class Folder: Sendable {
    let url: URL

    init() throws { url = try temporaryFolder() }
    deinit { try? FileManager.default.removeItem(at: url) }

    /// A client on a file of this folder.
    func client(_ name: String = "home", options: OpenOptions = OpenOptions()) async throws -> WildThingClient {
        try await WildThingClient.open(at: url.appendingPathComponent("\(name).db"), options: options)
    }

    /// The same, with a hub to sync with.
    func client(_ name: String = "home", at hub: URL) async throws -> WildThingClient {
        let client = try await client(name)
        try await client.connect(to: hub, token: hubToken)
        return client
    }
}

extension WildThingClient {
    /// How many streams, observers and live queries the core knows.
    var subscriptions: Int {
        Int(wildthing_testing_subscriptions(core.uniffiCloneHandle()))
    }

    /// A house with a room and a lamp.
    @discardableResult
    func furnish() async throws -> (house: House, room: Room, lamp: Device) {
        let house = try await createHouse(NewHouse(name: "Cabin"))
        let room = try await createRoom(NewRoom(houseID: house.id, name: "Hall"))
        let lamp = try await createDevice(NewDevice(roomID: room.id, name: "Lamp", deviceType: .light))
        return (house, room, lamp)
    }
}

/// The error of the library that a call throws.
func thrown(_ call: () async throws -> some Any) async throws -> WildThingError {
    do {
        _ = try await call()
    } catch let error as WildThingError {
        return error
    }
    throw NeverCame(description: "an error")
}
