// JSON and `Codable`: values inside an app's own types, and an app's own types
// made of values.
import Foundation

extension JSONValue: Codable {
    /// Decodes any value. Decoders do not tell `1` from `1.0`: both become
    /// ``int(_:)``. Use ``init(parsing:)`` where the difference matters.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .bool(value)
        } else if let value = try? container.decode(Int.self) {
            self = .int(value)
        } else if let value = try? container.decode(Double.self) {
            self = .double(value)
        } else if let value = try? container.decode(String.self) {
            self = .string(value)
        } else if let values = try? container.decode([JSONValue].self) {
            self = .array(values)
        } else {
            self = .object(try container.decode(JSONObject.self))
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .null: try container.encodeNil()
        case .bool(let value): try container.encode(value)
        case .int(let value): try container.encode(value)
        case .double(let value): try container.encode(value)
        case .number(let digits):
            guard let value = Decimal(string: digits, locale: Locale(identifier: "en_US_POSIX")) else {
                let context = EncodingError.Context(
                    codingPath: encoder.codingPath, debugDescription: "\(digits) is no number")
                throw EncodingError.invalidValue(digits, context)
            }
            try container.encode(value)
        case .string(let value): try container.encode(value)
        case .array(let values): try container.encode(values)
        case .object(let values): try container.encode(values)
        }
    }

    /// The value that an app's own type encodes to.
    public init(encoding value: some Encodable) throws {
        let data = try JSONEncoder().encode(value)
        try self.init(parsing: String(decoding: data, as: UTF8.self))
    }

    /// This value as an app's own type.
    public func decoded<T: Decodable>(as type: T.Type = T.self) throws -> T {
        try JSONDecoder().decode(type, from: Data(text.utf8))
    }
}

extension JSONObject {
    /// The object that an app's own type encodes to. Throws ``JSONError`` if
    /// that is no object.
    public init(encoding value: some Encodable) throws {
        guard let object = try JSONValue(encoding: value).objectValue else {
            throw JSONError(offset: 0, problem: "not an object")
        }
        self = object
    }

    /// This object as an app's own type.
    public func decoded<T: Decodable>(as type: T.Type = T.self) throws -> T {
        try JSONValue.object(self).decoded(as: type)
    }
}

extension JSONError: LocalizedError {
    /// What is wrong, and where.
    public var errorDescription: String? { "not JSON: \(problem), at byte \(offset)" }
}
