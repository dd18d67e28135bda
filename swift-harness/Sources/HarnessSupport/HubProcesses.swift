// Hubs as processes of this one.
#if os(macOS) || os(Linux)
import Foundation

final class HubProcesses: HubHost, @unchecked Sendable {
    static let shared = HubProcesses()

    private struct Place {
        let folder: URL
        var process: Process?
    }

    private let lock = NSLock()
    private var places: [String: Place] = [:]

    func start(_ order: HubOrder) throws -> String {
        guard let program = ProcessInfo.processInfo.environment["WILDTHING_HUB"] else {
            throw HubError(description: "WILDTHING_HUB is not set; run `cargo xtask swift`")
        }
        let folder = try lock.withLock { places[order.id]?.folder } ?? temporaryFolder()
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        let database = folder.appendingPathComponent("hub.db").path
        process.arguments = ["serve", "--listen", order.listen, "--db", database] + order.arguments
        process.environment = ProcessInfo.processInfo.environment.merging(order.environment) { $1 }
        let output = Pipe()
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        lock.withLock { places[order.id] = Place(folder: folder, process: process) }
        var line = Data()
        while let byte = try output.fileHandleForReading.read(upToCount: 1), byte.first != 0x0A {
            line += byte
        }
        let text = String(decoding: line, as: UTF8.self)
        guard let url = text.split(separator: " ").last, text.hasPrefix("listening on ") else {
            throw HubError(description: "the hub did not start: \(text)")
        }
        return String(url)
    }

    func kill(_ id: String) {
        let process = lock.withLock { () -> Process? in
            defer { places[id]?.process = nil }
            return places[id]?.process
        }
        guard let process else { return }
        if process.isRunning {
            Foundation.kill(process.processIdentifier, SIGKILL)
        }
        process.waitUntilExit()
    }

    func remove(_ id: String) throws {
        kill(id)
        guard let place = lock.withLock({ places.removeValue(forKey: id) }) else { return }
        try FileManager.default.removeItem(at: place.folder)
    }

    func removeAll() throws {
        for id in lock.withLock({ Array(places.keys) }) { try remove(id) }
    }
}
#endif
