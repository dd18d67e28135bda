// Editing the house. Every edit is on the disk when its call returns, and is
// sent by a later sync.

extension WildThingClient {
    /// Makes a house.
    @discardableResult
    public func createHouse(_ house: NewHouse) async throws -> House {
        try await core.createHouse(house: house)
    }

    /// Changes fields of a house.
    @discardableResult
    public func updateHouse(_ id: RecordID, with patch: HousePatch) async throws -> House {
        try await core.updateHouse(houseID: id, patch: patch)
    }

    /// Deletes a house with its rooms, devices and users.
    public func deleteHouse(_ id: RecordID) async throws {
        try await core.deleteHouse(houseID: id)
    }

    /// Makes a room. Throws ``WildThingError/notFound(kind:id:)`` if its house is not there.
    @discardableResult
    public func createRoom(_ room: NewRoom) async throws -> Room {
        try await core.createRoom(room: room)
    }

    /// Changes fields of a room.
    @discardableResult
    public func updateRoom(_ id: RecordID, with patch: RoomPatch) async throws -> Room {
        try await core.updateRoom(roomID: id, patch: patch)
    }

    /// Deletes a room with its devices.
    public func deleteRoom(_ id: RecordID) async throws {
        try await core.deleteRoom(roomID: id)
    }

    /// Makes a device. Throws ``WildThingError/notFound(kind:id:)`` if its room is not there.
    @discardableResult
    public func createDevice(_ device: NewDevice) async throws -> Device {
        try await core.createDevice(device: device)
    }

    /// Changes fields of a device; its state has a call of its own.
    @discardableResult
    public func updateDevice(_ id: RecordID, with patch: DevicePatch) async throws -> Device {
        try await core.updateDevice(deviceID: id, patch: patch)
    }

    /// Deletes a device.
    public func deleteDevice(_ id: RecordID) async throws {
        try await core.deleteDevice(deviceID: id)
    }

    /// Merges values into what a device is doing (RFC 7386: `.null` removes a
    /// name, objects are merged, anything else replaces), and likewise into the
    /// attributes beside it.
    @discardableResult
    public func updateState(
        of deviceID: RecordID, merging state: JSONObject, attributes: JSONObject? = nil
    ) async throws -> DeviceState {
        try await core.updateDeviceState(deviceID: deviceID, state: state, attributes: attributes)
    }

    /// Puts a whole state in the place of the old one.
    @discardableResult
    public func replaceState(
        of deviceID: RecordID, with state: JSONObject, attributes: JSONObject? = nil
    ) async throws -> DeviceState {
        try await core.updateDeviceState(
            deviceID: deviceID, state: state, attributes: attributes, replace: true)
    }

    /// Makes a user. Throws ``WildThingError/notFound(kind:id:)`` if their house is not there.
    @discardableResult
    public func createUser(_ user: NewUser) async throws -> User {
        try await core.createUser(user: user)
    }

    /// Changes fields of a user.
    @discardableResult
    public func updateUser(_ id: RecordID, with patch: UserPatch) async throws -> User {
        try await core.updateUser(userID: id, patch: patch)
    }

    /// Deletes a user.
    public func deleteUser(_ id: RecordID) async throws {
        try await core.deleteUser(userID: id)
    }

    /// Logs an event. What it is about need not be here.
    @discardableResult
    public func logEvent(_ event: NewEvent) async throws -> Event {
        try await core.logEvent(event: event)
    }
}
