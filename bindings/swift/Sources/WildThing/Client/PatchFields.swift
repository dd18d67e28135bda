// The fields that a patch can empty, by kind of record. A name or the place of a
// record can be changed, and is never empty; for other fields there is `extra`.

extension HousePatch {
    /// A field that can be emptied.
    public enum Field: String, Sendable, Hashable, CaseIterable {
        case address, latitude, longitude, timezone, settings
    }
}

extension RoomPatch {
    /// A field that can be emptied.
    public enum Field: String, Sendable, Hashable, CaseIterable {
        case floor, settings
        case roomType = "room_type"
    }
}

extension DevicePatch {
    /// A field that can be emptied.
    public enum Field: String, Sendable, Hashable, CaseIterable {
        case manufacturer, model, capabilities, configuration
        case ipAddress = "ip_address"
        case macAddress = "mac_address"
    }
}

extension UserPatch {
    /// A field that can be emptied.
    public enum Field: String, Sendable, Hashable, CaseIterable {
        case email, preferences
    }
}

/// The fields of those names. Patches only go to the core, which sends none back.
func fields<Field: RawRepresentable>(named names: [String]) throws -> [Field] where Field.RawValue == String {
    try names.map { name in
        guard let field = Field(rawValue: name) else {
            throw WildThingError.invalid(field: name, problem: "can't be emptied")
        }
        return field
    }
}
