// The sample program, as a newcomer runs it, where programs can be run.
#if os(macOS) || os(Linux)
import Foundation
import HarnessSupport
import Testing

@testable import WildThing

@Suite struct HouseTests {
    let folder: Folder

    init() throws {
        folder = try Folder()
    }

    /// The program, which is built beside the tests.
    func house(_ words: String...) -> Process {
        let tests = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath()
        let process = Process()
        process.executableURL = tests.deletingLastPathComponent().appendingPathComponent("house")
        process.arguments = words
        process.environment = ProcessInfo.processInfo.environment.merging(["HOUSE_TOKEN": hubToken]) { $1 }
        return process
    }

    @Test func theHouseIsShownLiveWhileAnotherClientEditsIt() async throws {
        let hub = try Hub(sample: 30)
        let other = try await folder.client("other", at: hub.url)
        try await other.sync()
        let device = try #require(try await other.fetchDevices().first)

        let process = house(folder.url.appendingPathComponent("shown.db").path, hub.url.absoluteString)
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        defer { process.terminate() }
        let shown = Locked("")
        output.fileHandleForReading.readabilityHandler = { handle in
            let text = String(decoding: handle.availableData, as: UTF8.self)
            shown.withLock { $0 += text }
        }
        try await eventually("the house is shown") { shown.withLock { $0.contains(device.name) } }
        let edit = house(
            folder.url.appendingPathComponent("editor.db").path, hub.url.absoluteString, "set", device.id,
            #"{"harness": "was here"}"#)
        try edit.run()
        edit.waitUntilExit()
        #expect(edit.terminationStatus == 0)
        try await eventually("the edit is shown") { shown.withLock { $0.contains(#""harness":"was here""#) } }
        #expect(!shown.withLock { $0.contains(hubToken) })
    }

    @Test func whatIsWrongIsSaid() throws {
        let process = house("only-a-file")
        let errors = Pipe()
        process.standardError = errors
        try process.run()
        process.waitUntilExit()
        let said = String(decoding: errors.fileHandleForReading.availableData, as: UTF8.self)
        #expect(process.terminationStatus == 1 && said.hasPrefix("house: usage: HOUSE_TOKEN="))
    }
}
#endif
