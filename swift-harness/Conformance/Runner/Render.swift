// What calls give, as JSON by the rules of `docs/conformance.md`: every field under
// the name that the core has for it, what is absent left out.
//
// Records are looked at as they are, so that no field can be forgotten here.
import Foundation
import WildThing

/// A value as JSON; `nil` if it is absent.
func shown(_ value: Any) throws -> JSONValue? {
    let mirror = Mirror(reflecting: value)
    if mirror.displayStyle == .optional {
        return try mirror.children.first.flatMap { try shown($0.value) }
    }
    switch value {
    case is Void: return nil
    case let value as JSONValue: return value.isNull ? nil : value
    case let value as JSONObject: return .object(value)
    case let value as [String: Int]: return .object(value.mapValues { .int($0) })
    case let value as String: return .string(value)
    case let value as Bool: return .bool(value)
    case let value as Int: return .int(value)
    case let value as Double: return .double(value)
    case let value as Date: return .string(try text(of: value))
    case let value as Duration: return .int(milliseconds(of: value))
    default: break
    }
    switch mirror.displayStyle {
    case .collection: return .array(try mirror.children.map { try shown($0.value) ?? nil })
    case .enum: return try shown(variant: value, mirror)
    case .struct: return .object(try fields(of: mirror, as: names[String(describing: mirror.subjectType)] ?? [:]))
    default: throw Problem("no rule tells how to show \(mirror.subjectType)")
    }
}

// MARK: - Names

/// What records of the layer call otherwise than the core.
private let names: [String: [String: String]] = [
    "Conflict": ["id": "conflict_id", "recordID": "id"],
    "PendingChange": ["recordID": "id"],
    "Room": ["isUnplaced": "unplaced"],
    "Device": ["isUnplaced": "unplaced"],
    "User": ["isUnplaced": "unplaced"],
    "SyncStatus": ["isPaused": "paused", "isInBackground": "background", "isSyncing": "sync_in_progress"],
]

private func fields(of mirror: Mirror, as names: [String: String] = [:]) throws -> JSONObject {
    var object: JSONObject = [:]
    for (label, value) in mirror.children {
        guard let label else { throw Problem("\(mirror.subjectType) has a field without a name") }
        object[names[label] ?? snakeCase(label)] = try shown(value)
    }
    return object
}

/// `houseID` is `house_id`.
private func snakeCase(_ name: String) -> String {
    var text = ""
    var isAfterSmall = false
    for letter in name {
        if letter.isUppercase && isAfterSmall { text.append("_") }
        isAfterSmall = !letter.isUppercase
        text.append(contentsOf: letter.lowercased())
    }
    return text
}

// MARK: - Enums

private func shown(variant value: Any, _ mirror: Mirror) throws -> JSONValue {
    let word = snakeCase(mirror.children.first?.label ?? String(describing: value))
    var object: JSONObject = [:]
    if let (_, values) = mirror.children.first { object = try fields(of: Mirror(reflecting: values)) }
    switch value {
    case is Kind, is DeviceType, is UserRole:
        return object["name"] ?? .string(word)
    case is Freshness, is ChangeEvent:
        object["is"] = .string(word)
        return .object(object)
    default:
        guard object.isEmpty else { throw Problem("no rule tells how to show \(mirror.subjectType)") }
        return .string(word)
    }
}

// MARK: - Times

/// UTC with six digits: a `Date` has a little more, which is rounded off.
private func text(of date: Date) throws -> String {
    let micros = Int((date.timeIntervalSinceReferenceDate * 1e6).rounded())
    let since2001 = micros.quotientAndRemainder(dividingBy: 1_000_000)
    let isBefore = since2001.remainder < 0
    let fraction = since2001.remainder + (isBefore ? 1_000_000 : 0)
    var seconds = time_t(since2001.quotient - (isBefore ? 1 : 0) + Int(Date.timeIntervalBetween1970AndReferenceDate))
    var parts = tm()
    guard gmtime_r(&seconds, &parts) != nil else { throw Problem("\(date) is no time") }
    return String(
        format: "%04d-%02d-%02dT%02d:%02d:%02d.%06d", Int(parts.tm_year) + 1900, Int(parts.tm_mon) + 1,
        Int(parts.tm_mday), Int(parts.tm_hour), Int(parts.tm_min), Int(parts.tm_sec), fraction)
}

func milliseconds(of duration: Duration) -> Int {
    Int(duration.components.seconds) * 1_000 + Int(duration.components.attoseconds / 1_000_000_000_000_000)
}
