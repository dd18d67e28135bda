/// Any JSON value.
///
/// Settings, configurations and device states are JSON whose shape the devices
/// decide. Write one with literals and read it with subscripts:
///
/// ```swift
/// let state: JSONObject = ["power": "on", "brightness": 80]
/// let brightness = state["brightness"]?.intValue
/// ```
///
/// Integers are kept apart from other numbers: `80` and `80.0` are two values.
/// What fits neither `Int` nor `Double` keeps its digits as ``number(_:)``.
public enum JSONValue: Hashable, Sendable {
    /// `null`.
    case null
    /// `true` or `false`.
    case bool(Bool)
    /// A number written without fraction and exponent.
    case int(Int)
    /// Any other number. JSON has none that is not finite: calls refuse those with
    /// ``WildThingError/invalid(field:problem:)``.
    case double(Double)
    /// A number too big for ``int(_:)`` or ``double(_:)``, in its own digits. Calls
    /// refuse what is no number.
    case number(String)
    /// A text.
    case string(String)
    /// A list.
    case array([JSONValue])
    /// Values by name.
    case object([String: JSONValue])
}

/// A JSON object: values by name. Names that differ only in how an accent is composed
/// are one name to Swift, so that of two such the object holds one.
public typealias JSONObject = [String: JSONValue]

// MARK: - Reading

extension JSONValue {
    /// Whether it is `null`.
    public var isNull: Bool { self == .null }

    /// The truth value, if it is one.
    public var boolValue: Bool? {
        if case .bool(let value) = self { value } else { nil }
    }

    /// The integer, if it is one. A double is none, whatever its value.
    public var intValue: Int? {
        if case .int(let value) = self { value } else { nil }
    }

    /// The number, if it is one, as nearly as a `Double` has it.
    public var doubleValue: Double? {
        switch self {
        case .int(let value): Double(value)
        case .double(let value): value
        case .number(let digits): Double(digits)
        default: nil
        }
    }

    /// The text, if it is one.
    public var stringValue: String? {
        if case .string(let value) = self { value } else { nil }
    }

    /// The list, if it is one.
    public var arrayValue: [JSONValue]? {
        if case .array(let values) = self { values } else { nil }
    }

    /// The object, if it is one.
    public var objectValue: JSONObject? {
        if case .object(let values) = self { values } else { nil }
    }

    /// The value of a name. Setting makes an object of what is none; setting
    /// `nil` takes the name away, which is not the same as `.null`.
    public subscript(name: String) -> JSONValue? {
        get { objectValue?[name] }
        set {
            var values = objectValue ?? [:]
            values[name] = newValue
            self = .object(values)
        }
    }

    /// The value at a place in a list; `nil` if there is none.
    public subscript(index: Int) -> JSONValue? {
        guard let values = arrayValue, values.indices.contains(index) else { return nil }
        return values[index]
    }
}

// MARK: - Literals

extension JSONValue: ExpressibleByNilLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByFloatLiteral, ExpressibleByStringLiteral, ExpressibleByArrayLiteral,
    ExpressibleByDictionaryLiteral, ExpressibleByStringInterpolation
{
    public init(nilLiteral: ()) { self = .null }
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    public init(integerLiteral value: Int) { self = .int(value) }
    public init(floatLiteral value: Double) { self = .double(value) }
    public init(stringLiteral value: String) { self = .string(value) }
    public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }

    /// Of a name that is there twice the last value counts.
    public init(dictionaryLiteral elements: (String, JSONValue)...) {
        self = .object(Dictionary(elements) { _, last in last })
    }
}

extension JSONValue: CustomStringConvertible {
    /// The value as compact JSON, names sorted.
    public var description: String { text }
}
