// Edits in trouble: the server refuses them, another process is in the way, the
// file they are in is damaged.
import Foundation
import HarnessSupport
import Testing

@testable import WildThing

@Suite struct TroubleTests {
    let folder: Folder

    init() throws {
        folder = try Folder()
    }

    /// More than a hub takes of one record.
    static let tooLong = String(repeating: "x", count: 1_100_000)

    @Test(arguments: ["v1", "v2"])
    func aRefusedEditStaysUntilItIsTriedAgainMendedOrDropped(_ version: String) async throws {
        let hub = try Hub(version)
        let client = try await folder.client(at: hub.url)
        let (_, room, lamp) = try await client.furnish()
        try await client.sync()
        try await client.updateDevice(lamp.id, with: DevicePatch(name: Self.tooLong))
        try await client.updateRoom(room.id, with: RoomPatch(name: "Not held up"))

        /// What a sync tells of the edit, and what is left of it.
        func refusal() async throws -> PendingChange {
            let result = try await client.sync()
            #expect(result.errors.map(\.id) == [lamp.id] && result.errors.allSatisfy { !$0.detail.isEmpty })
            let pending = try await client.fetchPendingChanges()
            #expect(pending.map(\.id) == [PendingChange.ID(kind: .device, recordID: lamp.id)])
            return try #require(pending.first)
        }
        let failed = try await refusal()
        #expect(failed.state == .failed)
        let words = try #require(failed.lastError)
        guard case .failed(_, words) = try await client.fetchDevice(lamp.id).freshness else {
            throw NeverCame(description: "the server's words beside the record")
        }
        #expect(try await client.fetchRoom(room.id).syncStatus == .synced)
        // It is not sent again by itself.
        #expect(try await client.sync().errors.isEmpty)

        #expect(try await client.retryFailed(.room, room.id) == 0)
        #expect(try await client.retryFailed(.device, lamp.id) == 1)
        #expect(try await client.fetchPendingChanges().map(\.state) == [.queued])
        #expect(try await refusal().state == .failed)
        #expect(try await client.retryFailed() == 1)
        #expect(try await refusal().state == .failed)

        try await client.updateDevice(lamp.id, with: DevicePatch(name: "Short"))
        #expect(try await client.sync().errors.isEmpty)
        #expect(try await client.fetchPendingChanges().isEmpty)

        try await client.updateDevice(lamp.id, with: DevicePatch(name: Self.tooLong))
        #expect(try await refusal().state == .failed)
        try await client.discard(.device, lamp.id)
        #expect(try await client.fetchPendingChanges().isEmpty)
        #expect(try await client.fetchDevice(lamp.id).name == "Short")
        let kept = try #require(try await client.fetchConflicts().first { $0.reason == "discarded" })
        #expect(kept.losing["name"]?.stringValue == Self.tooLong)

        let other = try await folder.client("other", at: hub.url)
        try await other.sync()
        #expect(try await other.fetchDevice(lamp.id).name == "Short")
    }

    /// It takes half a minute: that long another one's sync is waited for.
    @Test func aSyncThatIsInTheWayTooLongIsToldOf() async throws {
        let server = try StubServer { _ in nil }
        let (one, two) = (try await folder.client(), try await folder.client(at: server.url))
        // As long as it is left to itself, a request is given up after half a minute too.
        let patient = Timeouts(connect: .seconds(5), idle: .seconds(600), total: .seconds(600))
        try await one.connect(to: server.url, token: hubToken, options: ConnectOptions(timeouts: patient))
        let syncing = Task { try await one.sync() }
        try await eventually("the request is held") { server.holdsRequest }
        #expect(try await thrown { try await two.sync() } == .busy)
        #expect(server.holdsRequest)
        // It kept nobody from editing.
        try await two.furnish()
        one.cancelSync()
        #expect(try await thrown { try await syncing.value } == .cancelled)
        let hub = try Hub()
        try await two.connect(to: hub.url, token: hubToken)
        #expect(try await two.sync().errors.isEmpty)
    }

    @Test func whatCanBeReadOfADamagedReplicaIsSaved() async throws {
        let file = folder.url.appendingPathComponent("home.db")
        let client = try await folder.client()
        #expect(client.salvaged == nil)
        let (_, room, _) = try await client.furnish()
        for number in 0..<60 {
            try await client.createDevice(NewDevice(roomID: room.id, name: "Device \(number)"))
        }
        await client.shutdown()
        // A disk that spoilt a page, and the mark that is left when SQLite said so.
        let handle = try FileHandle(forUpdating: file)
        let size = try handle.seekToEnd()
        try handle.seek(toOffset: size - 4_096)
        try handle.write(contentsOf: Data(repeating: 0xA5, count: 4_096))
        try handle.close()
        let damaged = try Data(contentsOf: file)
        try Data("damage was seen".utf8).write(to: folder.url.appendingPathComponent("home.db.suspect"))

        let again = try await folder.client()
        let salvaged = try #require(again.salvaged)
        #expect(try Data(contentsOf: URL(fileURLWithPath: salvaged.setAside)) == damaged)
        let pending = try await again.fetchPendingChanges()
        #expect(salvaged.editsSaved == pending.count && !pending.isEmpty)
        let hub = try Hub()
        try await again.connect(to: hub.url, token: hubToken)
        try await again.sync()
        let other = try await folder.client("other", at: hub.url)
        try await other.sync()
        #expect(try await other.fetchDigests().content == again.fetchDigests().content)
        await again.shutdown()
        #expect(try await folder.client().salvaged == nil)
    }

    @Test func aKeyIsNeverIgnored() async throws {
        // The library that is tested here has no encryption, as that which ships.
        let file = folder.url.appendingPathComponent("secret.db")
        let key = Data(repeating: 7, count: 32)
        let refused = try await thrown { try await WildThingClient.open(at: file, key: key) }
        guard case .storage("no_encryption", _) = refused else { throw refused }
        let short = try await thrown { try await WildThingClient.open(at: file, key: key.dropLast()) }
        guard case .invalid("key", _) = short else { throw short }
        #expect(!FileManager.default.fileExists(atPath: file.path))
        let client = try await folder.client()
        for key in [key, nil] {
            let error = try await thrown { try await client.changeKey(to: key) }
            guard case .storage("no_encryption", _) = error else { throw error }
        }
        #expect(try await client.fetchHouses().isEmpty)
    }
}
