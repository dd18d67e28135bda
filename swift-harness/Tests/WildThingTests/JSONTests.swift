// JSON as a Swift developer writes and reads it.
import Foundation
import Testing
import WildThing

@Suite struct JSONTests {
    @Test func literalsAndSubscriptsFitTogether() {
        var state: JSONValue = ["power": "on", "level": 80, "warmth": 0.5, "tags": ["a", nil], "on": true]
        #expect(state["power"] == "on" && state["power"]?.stringValue == "on")
        #expect(state["level"]?.intValue == 80 && state["level"]?.doubleValue == 80)
        #expect(state["warmth"]?.doubleValue == 0.5 && state["warmth"]?.intValue == nil)
        #expect(state["tags"]?[0] == "a" && state["tags"]?[1]?.isNull == true && state["tags"]?[2] == nil)
        #expect(state["on"]?.boolValue == true && state["tags"]?.arrayValue?.count == 2)
        state["level"] = 81
        state["power"] = nil
        #expect(state["level"] == 81 && state["power"] == nil && state.objectValue?.count == 4)
        var text: JSONValue = "no object"
        text["made"] = ["so": true]
        #expect(text == ["made": ["so": true]])
        #expect(JSONValue.number("1e400").doubleValue == .infinity && JSONValue.null.doubleValue == nil)
        #expect("\(JSONValue.array([1, 2.0, "\(3)"]))" == #"[1,2.0,"3"]"#)
    }

    @Test func integersStayIntegers() throws {
        #expect(try JSONValue(parsing: "80") == .int(80))
        #expect(try JSONValue(parsing: "80.0") == .double(80))
        #expect(try JSONValue(parsing: "9223372036854775808") == .number("9223372036854775808"))
        #expect(try JSONValue(parsing: "1e999") == .number("1e999"))
        #expect(JSONValue.int(1) != JSONValue.double(1))
    }

    @Test(arguments: [
        #"{"a":[1,-2.5,1e+30,"\u00fc\n\ud83d\ude00",true,false,null],"b":{}}"#, "\"\"", "0", "[[[]]]", "-0.0",
        "1208925819614629174706176",
    ])
    func whatIsWrittenIsReadAgain(_ text: String) throws {
        let value = try JSONValue(parsing: text)
        #expect(try JSONValue(parsing: value.text) == value)
        let foundation = try JSONSerialization.jsonObject(with: Data(value.text.utf8), options: .fragmentsAllowed)
        let other = try JSONSerialization.jsonObject(with: Data(text.utf8), options: .fragmentsAllowed)
        #expect("\(foundation)" == "\(other)")
    }

    @Test(arguments: [
        "", "{", "[1,]", "{\"a\" 1}", "01", "1.", "+1", "nul", "\"\u{1}\"", "\"\\x\"", "\"\\ud800\"", "1 2", "{1:2}",
        "\"\\u12\"", "-", "tru", "[", "\"a",
    ])
    func whatIsNotJSONIsRefused(_ text: String) {
        #expect(throws: JSONError.self) { try JSONValue(parsing: text) }
    }

    @Test func nestingHasAnEnd() throws {
        let deep = String(repeating: "[", count: 100_000)
        #expect(throws: JSONError.self) { try JSONValue(parsing: deep) }
        #expect(throws: JSONError.self) { try JSONObject(parsing: "[]") }
        #expect(try JSONObject(parsing: "{\"a\":1}") == ["a": 1])
        do {
            _ = try JSONValue(parsing: "[1 2]")
            Issue.record("it was read")
        } catch let error as JSONError {
            #expect(error.offset == 3 && error.localizedDescription.contains("at byte 3"))
        }
    }

    struct Lamp: Codable, Equatable {
        var power: String
        var brightness: Int
        var scene: JSONValue?
    }

    @Test func anAppsOwnTypesFit() throws {
        let lamp = Lamp(power: "on", brightness: 80, scene: ["name": "night", "levels": [1, 2.5, false, nil]])
        let state = try JSONObject(encoding: lamp)
        #expect(state["brightness"] == 80 && state["scene"]?["levels"]?[1] == 2.5)
        #expect(try state.decoded() == lamp)
        #expect(try JSONValue(encoding: [lamp]).decoded(as: [Lamp].self) == [lamp])
        #expect(throws: JSONError.self) { try JSONObject(encoding: [lamp]) }
        let data = try JSONEncoder().encode(JSONValue.number("1208925819614629174706176"))
        #expect(String(decoding: data, as: UTF8.self) == "1208925819614629174706176")
        #expect(throws: EncodingError.self) { try JSONEncoder().encode(JSONValue.number("no number")) }
        // What is no number is no JSON.
        for value in [JSONValue.number("1,2"), .double(.nan), .double(-.infinity)] {
            #expect(throws: JSONError.self) { try JSONValue(parsing: value.text) }
            #expect(throws: (any Error).self) { try value.decoded(as: Double?.self) }
        }
    }
}
