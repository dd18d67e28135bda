// Reading the house once. To follow it as it changes, see `Observing`.

extension WildThingClient {
    /// One house: the one named, or the first by name. Throws
    /// ``WildThingError/notFound(kind:id:)`` if there is none.
    public func fetchHouse(_ id: RecordID? = nil) async throws -> House {
        try await core.getHouse(houseID: id)
    }

    /// Every house, by name.
    public func fetchHouses() async throws -> [House] {
        try await core.getHouses()
    }

    /// One room.
    public func fetchRoom(_ id: RecordID) async throws -> Room {
        try await core.getRoom(roomID: id)
    }

    /// The rooms of a house, or all, by name.
    public func fetchRooms(in houseID: RecordID? = nil) async throws -> [Room] {
        try await core.getRooms(houseID: houseID)
    }

    /// One device.
    public func fetchDevice(_ id: RecordID) async throws -> Device {
        try await core.getDevice(deviceID: id)
    }

    /// The devices of a room, or all, by name. A device whose room is not here or
    /// deleted is unplaced, and in no room.
    public func fetchDevices(in roomID: RecordID? = nil) async throws -> [Device] {
        try await core.getDevices(roomID: roomID)
    }

    /// One user.
    public func fetchUser(_ id: RecordID) async throws -> User {
        try await core.getUser(userID: id)
    }

    /// The users of a house, or all, by name.
    public func fetchUsers(in houseID: RecordID? = nil) async throws -> [User] {
        try await core.getUsers(houseID: houseID)
    }

    /// What a device is doing. A device that never told has an empty state.
    public func fetchState(of deviceID: RecordID) async throws -> DeviceState {
        try await core.getDeviceState(deviceID: deviceID)
    }

    /// The states of a device that are remembered here, newest first.
    public func fetchStateHistory(of deviceID: RecordID, limit: Int = 100) async throws -> [DeviceState] {
        try await core.getDeviceHistory(deviceID: deviceID, limit: limit.counted(as: "limit"))
    }

    /// Logged events, newest first: all, or those about one record.
    public func fetchEvents(about id: RecordID? = nil, limit: Int = 100) async throws -> [Event] {
        try await core.getEvents(entityID: id, limit: limit.counted(as: "limit"))
    }
}
