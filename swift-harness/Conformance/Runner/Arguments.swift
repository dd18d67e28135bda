// Arguments of a call, from JSON to Swift's types. What a call does not take is an
// error of the scenario.
import Foundation
import WildThing

/// The arguments that were not taken yet.
struct Arguments {
    private var values: JSONObject

    init(_ values: JSONObject) {
        self.values = values
    }

    /// One that may be left out.
    mutating func may<Value: Readable>(_ name: String) throws -> Value? {
        guard let value = values.removeValue(forKey: name), !value.isNull else { return nil }
        guard let read = try Value.read(value) else { throw Problem("\(name): can't use \(value)") }
        return read
    }

    /// One that is needed.
    mutating func need<Value: Readable>(_ name: String) throws -> Value {
        guard let value: Value = try may(name) else { throw Problem("the argument \(name) is missing") }
        return value
    }

    /// Nothing may be left.
    func end() throws {
        if let name = values.keys.sorted().first { throw Problem("there is no argument \(name)") }
    }
}

/// What an argument can be read as.
protocol Readable {
    /// `nil` if it is something else.
    static func read(_ value: JSONValue) throws -> Self?
}

extension JSONValue: Readable {
    static func read(_ value: JSONValue) -> JSONValue? { value }
}

extension String: Readable {
    static func read(_ value: JSONValue) -> String? { value.stringValue }
}

extension Bool: Readable {
    static func read(_ value: JSONValue) -> Bool? { value.boolValue }
}

extension Int: Readable {
    static func read(_ value: JSONValue) -> Int? { value.intValue }
}

extension Double: Readable {
    static func read(_ value: JSONValue) -> Double? { value.doubleValue }
}

extension Duration: Readable {
    static func read(_ value: JSONValue) -> Duration? { value.intValue.map { .milliseconds($0) } }
}

extension URL: Readable {
    static func read(_ value: JSONValue) -> URL? { value.stringValue.flatMap { URL(string: $0) } }
}

extension Dictionary: Readable where Key == String, Value == JSONValue {
    static func read(_ value: JSONValue) -> JSONObject? { value.objectValue }
}

extension Array: Readable where Element: Readable {
    static func read(_ value: JSONValue) throws -> [Element]? {
        guard let values = value.arrayValue else { return nil }
        let read = try values.compactMap { try Element.read($0) }
        return read.count == values.count ? read : nil
    }
}

// MARK: - Words

/// An enum that is one of a few words.
protocol Word: Readable {
    static var all: [Self] { get }
    /// One whose word is not known.
    static func unknown(_ word: String) -> Self?
}

extension Word {
    static func unknown(_ word: String) -> Self? { nil }

    static func read(_ value: JSONValue) throws -> Self? {
        guard let word = value.stringValue else { return nil }
        return try all.first { try shown($0) == value } ?? unknown(word)
    }
}

extension Kind: Word {
    static var all: [Kind] { [.house, .room, .device, .user, .entityState, .event, .relationship] }
    static func unknown(_ word: String) -> Kind? { .other(name: word) }
}

extension DeviceType: Word {
    static var all: [DeviceType] {
        [.light, .switch, .sensor, .thermostat, .lock, .camera, .speaker, .other]
    }
    static func unknown(_ word: String) -> DeviceType? { .unknown(name: word) }
}

extension UserRole: Word {
    static var all: [UserRole] { [.admin, .member, .guest] }
    static func unknown(_ word: String) -> UserRole? { .unknown(name: word) }
}

extension SyncProtocol: Word {
    static var all: [SyncProtocol] { [.auto, .v1, .v2] }
}

extension EdgeDirection: Word {
    static var all: [EdgeDirection] { [.outgoing, .incoming] }
}

extension Readable where Self: RawRepresentable, RawValue == String {
    static func read(_ value: JSONValue) -> Self? { value.stringValue.flatMap { Self(rawValue: $0) } }
}

extension HousePatch.Field: Readable {}
extension RoomPatch.Field: Readable {}
extension DevicePatch.Field: Readable {}
extension UserPatch.Field: Readable {}
