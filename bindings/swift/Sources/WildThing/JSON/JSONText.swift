// JSON as text: the parser and the writer behind `JSONValue`. They exist since
// Foundation's own turn integers beyond 64 bits into doubles, and cost more for
// the small objects that devices have than all the rest of a call.

/// Why a text is not JSON.
public struct JSONError: Error, Hashable, Sendable {
    /// Where, in bytes of UTF-8 from the beginning.
    public let offset: Int
    /// What is wrong there.
    public let problem: String
}

extension JSONValue {
    /// Reads what the library sent.
    init(wire bytes: UnsafeRawBufferPointer) throws {
        var parser = JSONParser(bytes: bytes.bindMemory(to: UInt8.self))
        self = try parser.whole()
    }

    init(wire text: String) throws {
        try self.init(parsing: text)
    }

    /// Reads JSON. Throws ``JSONError`` if it is none, or nested more than
    /// 128 deep.
    public init(parsing text: String) throws {
        var text = text
        self = try text.withUTF8 { bytes in
            var parser = JSONParser(bytes: bytes)
            return try parser.whole()
        }
    }

    /// The value as compact JSON, names sorted. A number that JSON can't have is
    /// written as `NaN`, which nobody takes for JSON: as `null` it would say something
    /// else, and in a merge delete.
    public var text: String {
        var bytes: [UInt8] = []
        write(to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    func write(to out: inout [UInt8]) {
        switch self {
        case .null: out.append(contentsOf: "null".utf8)
        case .bool(let value): out.append(contentsOf: (value ? "true" : "false").utf8)
        case .int(let value): out.append(contentsOf: String(value).utf8)
        case .double(let value):
            out.append(contentsOf: (value.isFinite ? value.description : "NaN").utf8)
        case .number(let digits):
            out.append(contentsOf: (JSONParser.isNumber(digits) ? digits : "NaN").utf8)
        case .string(let value): JSONValue.write(value, to: &out)
        case .array(let values):
            out.append(UInt8(ascii: "["))
            for (index, value) in values.enumerated() {
                if index > 0 { out.append(UInt8(ascii: ",")) }
                value.write(to: &out)
            }
            out.append(UInt8(ascii: "]"))
        case .object(let values): values.write(to: &out)
        }
    }

    fileprivate static func write(_ value: String, to out: inout [UInt8]) {
        out.append(UInt8(ascii: "\""))
        for byte in value.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                out.append(UInt8(ascii: "\\"))
                out.append(byte)
            case 0..<0x20:
                let digits = Array("0123456789abcdef".utf8)
                out.append(contentsOf: "\\u00".utf8)
                out.append(digits[Int(byte >> 4)])
                out.append(digits[Int(byte & 15)])
            default: out.append(byte)
            }
        }
        out.append(UInt8(ascii: "\""))
    }
}

extension JSONObject {
    /// Reads what the library sent.
    init(wire bytes: UnsafeRawBufferPointer) throws {
        // Most are empty.
        if bytes.count == 2 {
            self = [:]
        } else if case .object(let object) = try JSONValue(wire: bytes) {
            self = object
        } else {
            throw JSONError(offset: 0, problem: "not an object")
        }
    }

    init(wire text: String) throws {
        try self.init(parsing: text)
    }

    /// Reads a JSON object. Throws ``JSONError`` if it is none.
    public init(parsing text: String) throws {
        guard let object = try JSONValue(parsing: text).objectValue else {
            throw JSONError(offset: 0, problem: "not an object")
        }
        self = object
    }

    /// The object as compact JSON, names sorted.
    public var text: String { JSONValue.object(self).text }

    fileprivate func write(to out: inout [UInt8]) {
        out.append(UInt8(ascii: "{"))
        var first = true
        for name in keys.sorted() {
            if !first { out.append(UInt8(ascii: ",")) }
            first = false
            JSONValue.write(name, to: &out)
            out.append(UInt8(ascii: ":"))
            self[name]?.write(to: &out)
        }
        out.append(UInt8(ascii: "}"))
    }
}

/// Reads one value out of bytes of UTF-8.
struct JSONParser {
    private let bytes: UnsafeBufferPointer<UInt8>
    private var at = 0
    private static let deepest = 128

    init(bytes: UnsafeBufferPointer<UInt8>) {
        self.bytes = bytes
    }

    /// The value that all the bytes are.
    mutating func whole() throws -> JSONValue {
        let value = try value(depth: 0)
        skipSpace()
        guard at == bytes.count else { throw error("more than one value") }
        return value
    }

    /// Whether a text is one JSON number.
    static func isNumber(_ text: String) -> Bool {
        var text = text
        return text.withUTF8 { bytes in
            var parser = JSONParser(bytes: bytes)
            guard (try? parser.number()) != nil else { return false }
            return parser.at == bytes.count
        }
    }

    private func error(_ problem: String) -> JSONError {
        JSONError(offset: at, problem: problem)
    }

    private var next: UInt8? { at < bytes.count ? bytes[at] : nil }

    private mutating func skipSpace() {
        while let byte = next, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { at += 1 }
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        skipSpace()
        guard next == byte else { return false }
        at += 1
        return true
    }

    private mutating func value(depth: Int) throws -> JSONValue {
        guard depth <= Self.deepest else { throw error("nested too deep") }
        skipSpace()
        switch next {
        case UInt8(ascii: "{"): return .object(try object(depth: depth + 1))
        case UInt8(ascii: "["): return .array(try array(depth: depth + 1))
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        default: return try number()
        }
    }

    private mutating func word(_ word: StaticString, _ value: JSONValue) throws -> JSONValue {
        let count = word.utf8CodeUnitCount
        let wanted = UnsafeBufferPointer(start: word.utf8Start, count: count)
        guard at + count <= bytes.count, bytes[at..<at + count].elementsEqual(wanted) else {
            throw error("no JSON value")
        }
        at += count
        return value
    }

    private mutating func object(depth: Int) throws -> JSONObject {
        at += 1
        var values: JSONObject = [:]
        if take(UInt8(ascii: "}")) { return values }
        repeat {
            skipSpace()
            guard next == UInt8(ascii: "\"") else { throw error("no name") }
            let name = try string()
            guard take(UInt8(ascii: ":")) else { throw error("no colon after a name") }
            values[name] = try value(depth: depth)
        } while take(UInt8(ascii: ","))
        guard take(UInt8(ascii: "}")) else { throw error("an object does not end") }
        return values
    }

    private mutating func array(depth: Int) throws -> [JSONValue] {
        at += 1
        var values: [JSONValue] = []
        if take(UInt8(ascii: "]")) { return values }
        repeat {
            values.append(try value(depth: depth))
        } while take(UInt8(ascii: ","))
        guard take(UInt8(ascii: "]")) else { throw error("a list does not end") }
        return values
    }

    // MARK: Numbers

    private mutating func digits() throws {
        let begin = at
        while let byte = next, byte &- 0x30 < 10 { at += 1 }
        guard at > begin else { throw error("no digit") }
    }

    private mutating func number() throws -> JSONValue {
        let begin = at
        if next == UInt8(ascii: "-") { at += 1 }
        let first = at
        try digits()
        guard bytes[first] != 0x30 || at == first + 1 else { throw error("a number begins with 0") }
        var whole = true
        if next == UInt8(ascii: ".") {
            whole = false
            at += 1
            try digits()
        }
        if next == UInt8(ascii: "e") || next == UInt8(ascii: "E") {
            whole = false
            at += 1
            if next == UInt8(ascii: "-") || next == UInt8(ascii: "+") { at += 1 }
            try digits()
        }
        let text = String(decoding: bytes[begin..<at], as: UTF8.self)
        if whole {
            return Int(text).map(JSONValue.int) ?? .number(text)
        }
        if let value = Double(text), value.isFinite { return .double(value) }
        return .number(text)
    }

    // MARK: Texts

    private mutating func string() throws -> String {
        at += 1
        let begin = at
        while let byte = next {
            switch byte {
            case UInt8(ascii: "\""):
                defer { at += 1 }
                return String(decoding: UnsafeBufferPointer(rebasing: bytes[begin..<at]), as: UTF8.self)
            case UInt8(ascii: "\\"): return try escaped(from: begin)
            case 0..<0x20: throw error("a control character in a text")
            default: at += 1
            }
        }
        throw error("a text does not end")
    }

    /// The rest of a text that has escapes in it; `begin` is where it began.
    private mutating func escaped(from begin: Int) throws -> String {
        var text = Array(bytes[begin..<at])
        while let byte = next {
            at += 1
            switch byte {
            case UInt8(ascii: "\""): return String(decoding: text, as: UTF8.self)
            case UInt8(ascii: "\\"): try escape(into: &text)
            case 0..<0x20: throw error("a control character in a text")
            default: text.append(byte)
            }
        }
        throw error("a text does not end")
    }

    private mutating func escape(into text: inout [UInt8]) throws {
        guard let byte = next else { throw error("a text does not end") }
        at += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0C)
        case UInt8(ascii: "n"): text.append(0x0A)
        case UInt8(ascii: "r"): text.append(0x0D)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "u"):
            let scalar = try unicodeScalar()
            text.append(contentsOf: String(Character(scalar)).utf8)
        default: throw error("an unknown escape")
        }
    }

    private mutating func unicodeScalar() throws -> Unicode.Scalar {
        let high = try fourDigits()
        if let scalar = Unicode.Scalar(high) { return scalar }
        guard (0xD800..<0xDC00).contains(high), next == UInt8(ascii: "\\") else {
            throw error("half a surrogate pair")
        }
        at += 1
        guard next == UInt8(ascii: "u") else { throw error("half a surrogate pair") }
        at += 1
        let low = try fourDigits()
        guard (0xDC00..<0xE000).contains(low) else { throw error("half a surrogate pair") }
        let code = 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00)
        guard let scalar = Unicode.Scalar(code) else { throw error("no such character") }
        return scalar
    }

    private mutating func fourDigits() throws -> UInt32 {
        guard at + 4 <= bytes.count else { throw error("a text does not end") }
        let text = String(decoding: bytes[at..<at + 4], as: UTF8.self)
        guard text.utf8.allSatisfy({ $0 != UInt8(ascii: "+") && $0 != UInt8(ascii: "-") }),
            let code = UInt32(text, radix: 16)
        else { throw error("four hexadecimal digits are missing") }
        at += 4
        return code
    }
}
