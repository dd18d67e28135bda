// Records that a call takes, every field by its name.
import WildThing

/// A record that is made of its fields.
protocol Record: Readable {
    init(_ fields: inout Arguments) throws
}

extension Record {
    static func read(_ value: JSONValue) throws -> Self? {
        guard let object = value.objectValue else { return nil }
        var fields = Arguments(object)
        let record = try Self(&fields)
        try fields.end()
        return record
    }
}

extension ConnectOptions: Record {
    init(_ fields: inout Arguments) throws {
        self.init(
            clientID: try fields.may("client_id"), rebind: try fields.may("rebind") ?? false,
            protocol: try fields.may("protocol"))
    }
}

extension NewHouse: Record {
    init(_ fields: inout Arguments) throws {
        self.init(
            name: try fields.need("name"), address: try fields.may("address"),
            latitude: try fields.may("latitude"), longitude: try fields.may("longitude"),
            timezone: try fields.may("timezone"), settings: try fields.may("settings"))
    }
}

extension HousePatch: Record {
    init(_ fields: inout Arguments) throws {
        self.init(
            name: try fields.may("name"), address: try fields.may("address"),
            latitude: try fields.may("latitude"), longitude: try fields.may("longitude"),
            timezone: try fields.may("timezone"), settings: try fields.may("settings"),
            clear: try fields.may("clear") ?? [], extra: try fields.may("extra"))
    }
}

extension NewRoom: Record {
    init(_ fields: inout Arguments) throws {
        self.init(
            houseID: try fields.need("house_id"), name: try fields.need("name"), floor: try fields.may("floor"),
            roomType: try fields.may("room_type"), settings: try fields.may("settings"))
    }
}

extension RoomPatch: Record {
    init(_ fields: inout Arguments) throws {
        self.init(
            houseID: try fields.may("house_id"), name: try fields.may("name"), floor: try fields.may("floor"),
            roomType: try fields.may("room_type"), settings: try fields.may("settings"),
            clear: try fields.may("clear") ?? [], extra: try fields.may("extra"))
    }
}

extension NewDevice: Record {
    init(_ fields: inout Arguments) throws {
        self.init(
            roomID: try fields.need("room_id"), name: try fields.need("name"),
            deviceType: try fields.may("device_type"), manufacturer: try fields.may("manufacturer"),
            model: try fields.may("model"), capabilities: try fields.may("capabilities"),
            configuration: try fields.may("configuration"), ipAddress: try fields.may("ip_address"),
            macAddress: try fields.may("mac_address"))
    }
}

extension DevicePatch: Record {
    init(_ fields: inout Arguments) throws {
        self.init(
            roomID: try fields.may("room_id"), name: try fields.may("name"),
            deviceType: try fields.may("device_type"), manufacturer: try fields.may("manufacturer"),
            model: try fields.may("model"), capabilities: try fields.may("capabilities"),
            configuration: try fields.may("configuration"), ipAddress: try fields.may("ip_address"),
            macAddress: try fields.may("mac_address"), clear: try fields.may("clear") ?? [],
            extra: try fields.may("extra"))
    }
}

extension NewUser: Record {
    init(_ fields: inout Arguments) throws {
        self.init(
            houseID: try fields.need("house_id"), name: try fields.need("name"), email: try fields.may("email"),
            role: try fields.may("role"), preferences: try fields.may("preferences"))
    }
}

extension UserPatch: Record {
    init(_ fields: inout Arguments) throws {
        self.init(
            houseID: try fields.may("house_id"), name: try fields.may("name"), email: try fields.may("email"),
            role: try fields.may("role"), preferences: try fields.may("preferences"),
            clear: try fields.may("clear") ?? [], extra: try fields.may("extra"))
    }
}

extension NewEvent: Record {
    init(_ fields: inout Arguments) throws {
        self.init(
            eventType: try fields.need("event_type"), entityType: try fields.need("entity_type"),
            entityID: try fields.need("entity_id"), description: try fields.may("description"),
            data: try fields.may("data"), source: try fields.may("source"), userID: try fields.may("user_id"))
    }
}

extension NewEntity: Record {
    init(_ fields: inout Arguments) throws {
        self.init(
            entityType: try fields.need("entity_type"), name: try fields.need("name"),
            content: try fields.may("content"), sourceType: try fields.may("source_type"))
    }
}

extension EntityPatch: Record {
    init(_ fields: inout Arguments) throws {
        self.init(
            name: try fields.may("name"), content: try fields.may("content"),
            replace: try fields.may("replace") ?? false, sourceType: try fields.may("source_type"))
    }
}

extension RelationshipFilter: Record {
    init(_ fields: inout Arguments) throws {
        self.init(
            fromID: try fields.may("from_id"), toID: try fields.may("to_id"),
            entityID: try fields.may("entity_id"), relationshipType: try fields.may("relationship_type"))
    }
}
