// Houses that meet at a real hub: what crosses over, what loses, what waits.
import Foundation
import HarnessSupport
import Testing
import WildThing

@Suite struct SyncTests {
    let folder: Folder

    init() throws {
        folder = try Folder()
    }

    /// Two clients that hold the same house.
    func pair(at hub: Hub) async throws -> (ann: WildThingClient, ben: WildThingClient) {
        let ann = try await folder.client("ann", at: hub.url)
        let ben = try await folder.client("ben", at: hub.url)
        try await ann.sync()
        try await ben.sync()
        return (ann, ben)
    }

    @Test(arguments: ["v1", "v2"])
    func editsMadeOfflineReachTheOther(_ version: String) async throws {
        let hub = try Hub(version)
        let ann = try await folder.client("ann")
        let (house, room, lamp) = try await ann.furnish()
        try await ann.connect(to: hub.url, token: hubToken)
        try await ann.probe()
        #expect(try await ann.fetchStatus().pending > 0)
        let sent = try await ann.sync()
        #expect(sent.pushed >= 3 && sent.errors.isEmpty && sent.duration > .zero)

        let ben = try await folder.client("ben", at: hub.url)
        try await ben.sync()
        #expect(try await ben.fetchHouse().name == house.name)
        #expect(try await ben.fetchDevices(in: room.id).map(\.name) == [lamp.name])
        try await ben.updateState(of: lamp.id, merging: ["power": "on"])
        try await ben.waitUntilSynced()
        try await ann.sync()
        #expect(try await ann.fetchDevice(lamp.id).state == ["power": "on"])
        try await ben.sync()
        #expect(try await ann.fetchDigests().content == ben.fetchDigests().content)
        let ids = (try await ann.clientID, try await ben.clientID)
        #expect(ids.0 != ids.1)
        #expect(try await ann.fetchStatus().serverURL == hub.url.absoluteString)
    }

    @Test(arguments: ["v1", "v2"])
    func anEditThatLosesIsKeptAndCanBeRestored(_ version: String) async throws {
        let hub = try Hub(version)
        let (ann, ben) = try await pair(at: hub)
        let (_, _, lamp) = try await ann.furnish()
        try await ann.sync()
        try await ben.sync()
        try await ann.updateDevice(lamp.id, with: DevicePatch(name: "Ann's"))
        try await ben.updateDevice(lamp.id, with: DevicePatch(name: "Ben's"))
        try await ben.sync()
        try await ann.sync()
        try await ben.sync()
        try await ann.sync()
        #expect(try await ann.fetchDigests().content == ben.fetchDigests().content)
        let lost = try await (ann.fetchConflicts() + ben.fetchConflicts()).filter { $0.loser == .local }
        let conflict = try #require(lost.first)
        #expect(lost.count == 1 && conflict.kind == .device && conflict.recordID == lamp.id)
        let kept = try await ann.fetchDevice(lamp.id).name
        let name = try #require(conflict.losing["name"]?.stringValue)
        #expect(Set([kept, name]) == ["Ann's", "Ben's"])

        let loser = name == "Ann's" ? ann : ben
        let restored = try await loser.restore(conflict.id)
        #expect(restored["name"]?.stringValue == name)
        try await loser.sync()
        try await ann.sync()
        try await ben.sync()
        #expect(try await ann.fetchDevice(lamp.id).name == name)
        #expect(try await ben.fetchDevice(lamp.id).name == name)
    }

    @Test func aDeleteWinsOverAnUpdate() async throws {
        let hub = try Hub()
        let (ann, ben) = try await pair(at: hub)
        let (_, _, lamp) = try await ann.furnish()
        try await ann.sync()
        try await ben.sync()
        try await ann.deleteDevice(lamp.id)
        try await ann.sync()
        try await ben.updateDevice(lamp.id, with: DevicePatch(name: "Still needed"))
        let result = try await ben.sync()
        #expect(result.conflicts.map(\.losing["name"]) == ["Still needed"])
        #expect(try await thrown { try await ben.fetchDevice(lamp.id) } == .notFound(kind: "device", id: lamp.id))
        let conflict = try #require(try await ben.fetchConflicts().first)
        try await ben.dismiss(conflict.id)
        #expect(try await ben.fetchConflicts().isEmpty)
    }

    @Test func editsWaitWhileTheHubIsDeadAndGoWhenItIsBack() async throws {
        let hub = try Hub()
        let client = try await folder.client(at: hub.url)
        try await client.sync()
        try hub.kill()
        try await client.furnish()
        let error = try await thrown { try await client.sync() }
        guard case .offline(let reason) = error else { throw error }
        #expect(!reason.isEmpty && error.localizedDescription.contains(reason) && error.recoverySuggestion != nil)
        #expect(try await client.fetchStatus().pending == 3)
        try await client.startBackgroundSync(every: .seconds(1))
        try hub.start()
        client.networkDidBecomeAvailable()
        try await soon("everything is sent") {
            for try await status in client.status where status.pending == 0 { return }
        }
        await client.stopBackgroundSync()
        #expect(try await client.fetchStatus().isInBackground == false)
    }

    @Test(arguments: ["v1", "v2"])
    func aThousandDevicesCrossOver(_ version: String) async throws {
        let hub = try Hub(version)
        let ann = try await folder.client("ann", options: OpenOptions(durability: .fast))
        let (_, room, _) = try await ann.furnish()
        for number in 1..<1_000 {
            try await ann.createDevice(NewDevice(roomID: room.id, name: "Device \(number)"))
        }
        try await ann.connect(to: hub.url, token: hubToken)
        #expect(try await ann.sync().errors.isEmpty)
        let ben = try await folder.client("ben", at: hub.url)
        try await ben.sync()
        #expect(try await ben.fetchDevices(in: room.id).count == 1_000)
        #expect(try await ann.fetchDigests().content == ben.fetchDigests().content)
    }

    @Test func anUnsentEditIsDroppedOnlyWhenAsked() async throws {
        let hub = try Hub(sample: 30)
        let client = try await folder.client(at: hub.url)
        try await client.sync()
        let room = try #require(try await client.fetchRooms().first)
        try await client.updateRoom(room.id, with: RoomPatch(name: "Never sent"))
        #expect(try await thrown { try await client.reset() } == .unsentEdits(count: 1))
        try await client.discard(.room, room.id)
        #expect(try await client.fetchRoom(room.id).name == room.name)
        #expect(try await client.fetchConflicts().map(\.reason) == ["discarded"])
        try await client.updateRoom(room.id, with: RoomPatch(name: "Dropped"))
        try await client.reset(discardingUnsentEdits: true)
        #expect(try await client.fetchHouses().isEmpty)
    }

    @Test func aPauseEndsTheSyncThatRuns() async throws {
        let server = try StubServer { _ in nil }
        let client = try await folder.client(at: server.url)
        let syncing = Task { try await client.sync() }
        try await eventually("the request is held") { server.holdsRequest }
        try await soon { try await client.pause() }
        let error = try await thrown { try await syncing.value }
        #expect(error == .paused || error == .cancelled)
        #expect(try await thrown { try await client.fetchHouses() } == .paused)
        #expect(try await client.fetchStatus().isPaused)
        try await client.resume()
        #expect(try await client.fetchHouses().isEmpty)
    }

    @Test func aRefusedEditIsTriedAgainWhenAsked() async throws {
        let hub = try Hub()
        let client = try await folder.client(at: hub.url)
        try await client.sync()
        #expect(try await client.retryFailed() == 0)
        let (house, _, _) = try await client.furnish()
        #expect(try await client.retryFailed(.house, house.id) == 0)
        try await client.sync()
        try await client.disconnect()
        #expect(try await thrown { try await client.sync() } == .notConnected)
        #expect(try await client.fetchHouses().count == 1)
    }
}
