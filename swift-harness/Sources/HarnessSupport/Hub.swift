// A real hub: the process that `blowing-off serve` is.
import Foundation

/// The token of every hub here.
public let hubToken = "harness-token"

/// Why a hub can't be had.
public struct HubError: Error, CustomStringConvertible {
    public let description: String
}

/// A hub process with a database of its own. It listens on this machine only.
public final class Hub: @unchecked Sendable {
    /// Where it is; the same after a restart.
    public private(set) var url: URL
    private let folder: URL
    private let arguments: [String]
    private let environment: [String: String]
    private var process: Process?

    /// Starts a hub.
    ///
    /// - Parameters:
    ///   - version: The protocol it speaks, `v1` or `v2`.
    ///   - sample: How many things its sample house has; none if 0.
    ///   - password: An admin's password, for hubs of v2.
    public init(_ version: String = "v1", sample: Int = 0, password: String? = nil) throws {
        folder = try temporaryFolder()
        var arguments = ["--protocol", version, "--auth-token", hubToken]
        if sample > 0 { arguments += ["--sample", "\(sample)"] }
        self.arguments = arguments
        environment = password.map { ["BLOWING_OFF_ADMIN_PASSWORD": $0] } ?? [:]
        url = URL(string: "http://127.0.0.1:0")!
        try start()
    }

    deinit {
        kill()
        try? FileManager.default.removeItem(at: folder)
    }

    /// Starts it again, at the same place.
    public func start() throws {
        guard let program = ProcessInfo.processInfo.environment["WILDTHING_HUB"] else {
            throw HubError(description: "WILDTHING_HUB is not set; run `cargo xtask swift`")
        }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        let listen = "\(url.host ?? "127.0.0.1"):\(url.port ?? 0)"
        let database = folder.appendingPathComponent("hub.db").path
        process.arguments = ["serve", "--listen", listen, "--db", database] + arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        let output = Pipe()
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        self.process = process
        var line = Data()
        while let byte = try output.fileHandleForReading.read(upToCount: 1), byte.first != 0x0A {
            line += byte
        }
        let text = String(decoding: line, as: UTF8.self)
        guard let place = text.split(separator: " ").last, text.hasPrefix("listening on "),
            let url = URL(string: String(place))
        else { throw HubError(description: "the hub did not start: \(text)") }
        self.url = url
    }

    /// Ends it as a power cut would.
    public func kill() {
        guard let process else { return }
        if process.isRunning {
            Foundation.kill(process.processIdentifier, SIGKILL)
        }
        process.waitUntilExit()
        self.process = nil
    }
}

/// A folder of its own, which whoever asked for it removes.
public func temporaryFolder() throws -> URL {
    let folder = FileManager.default.temporaryDirectory
        .appendingPathComponent("wildthing-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    return folder
}
