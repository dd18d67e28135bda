// A house for SwiftUI to draw.
//
// On Linux it is there for tests only: whatever is linked with Observation of
// Swift 6.0 there needs a linker option (see Package.swift).
#if canImport(Observation) && (canImport(Darwin) || WILDTHING_HOUSE_MODEL)
import Observation

/// One house as a view needs it: its rooms and devices, always current.
///
/// ```swift
/// struct HouseView: View {
///     @State var model: HouseModel
///
///     var body: some View {
///         List(model.rooms) { room in
///             Section(room.name) {
///                 ForEach(model.devices(in: room)) { Text($0.name) }
///             }
///         }
///         .task { await model.run() }
///     }
/// }
/// ```
@available(iOS 17, macOS 14, *)
@MainActor
@Observable
public final class HouseModel {
    /// The client it follows.
    public let client: WildThingClient
    /// Every house, by name.
    public private(set) var houses: [House] = []
    /// Which house is shown; the first by name if `nil`.
    public var houseID: RecordID?
    /// Where the replica stands; `nil` before ``run()`` has looked.
    public private(set) var status: SyncStatus?
    /// What went wrong last, in following the house or in an edit.
    public var error: (any Error)?

    private var allRooms: [Room] = []
    private var allDevices: [Device] = []

    /// A model that shows a house, or the first one. Nothing is shown before ``run()``.
    public init(client: WildThingClient, houseID: RecordID? = nil) {
        self.client = client
        self.houseID = houseID
    }

    /// The house that is shown.
    public var house: House? {
        guard let houseID else { return houses.first }
        return houses.first { $0.id == houseID }
    }

    /// Its rooms, by name.
    public var rooms: [Room] {
        guard let house else { return [] }
        return allRooms.filter { $0.houseID == house.id }
    }

    /// The devices of a room, by name.
    public func devices(in room: Room) -> [Device] {
        allDevices.filter { $0.roomID == room.id }
    }

    /// The devices whose room is not here, by name.
    public var unplacedDevices: [Device] {
        allDevices.filter(\.isUnplaced)
    }

    /// Follows the house until the task is cancelled or the client ends. Call it
    /// from a view's `task`.
    public func run() async {
        async let houses: Void = follow(client.houses) { $0.houses = $1 }
        async let rooms: Void = follow(client.rooms()) { $0.allRooms = $1 }
        async let devices: Void = follow(client.devices()) { $0.allDevices = $1 }
        async let status: Void = follow(client.status) { $0.status = $1 }
        _ = await (houses, rooms, devices, status)
    }

    /// Makes an edit from a view's action; what it throws is shown in ``error``.
    ///
    /// ```swift
    /// Button("On") {
    ///     model.perform { try await $0.updateState(of: lamp.id, merging: ["power": "on"]) }
    /// }
    /// ```
    @discardableResult
    public func perform(
        _ edit: @escaping @Sendable (WildThingClient) async throws -> Void
    ) -> Task<Void, Never> {
        Task {
            do {
                try await edit(client)
            } catch is CancellationError {
            } catch {
                self.error = error
            }
        }
    }

    private func follow<Answer: Sendable>(
        _ query: LiveQuery<Answer>, _ show: @Sendable @MainActor (HouseModel, Answer) -> Void
    ) async {
        let answers = query.makeAsyncIterator()
        while true {
            do {
                guard let answer = try await answers.next() else { return }
                show(self, answer)
            } catch {
                // Told once; the next answer follows all the same.
                self.error = error
            }
        }
    }
}
#endif
