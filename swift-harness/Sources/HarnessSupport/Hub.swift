// A real hub to sync with: what `blowing-off serve` is. It runs as a process of
// ours, or where tests can't start any, as one of the program `hubs`.
import Foundation

/// The token of every hub here.
public let hubToken = "harness-token"

/// Why a hub can't be had.
public struct HubError: Error, CustomStringConvertible {
    public let description: String
}

/// What a hub is started with.
struct HubOrder: Codable, Sendable {
    /// Its name among those of its host.
    var id = UUID().uuidString
    var arguments: [String]
    var environment: [String: String]
    /// Host and port; port 0 for one that is free.
    var listen = "127.0.0.1:0"
}

/// Whoever can run hubs.
protocol HubHost: Sendable {
    /// Starts one; again, on the same database, if it was killed. Gives its URL.
    func start(_ order: HubOrder) throws -> String
    /// Ends one as a power cut would.
    func kill(_ id: String) throws
    /// Ends it and removes its database.
    func remove(_ id: String) throws
}

/// A hub with a database of its own. It listens on this machine only.
public final class Hub: @unchecked Sendable {
    /// Where it is; the same after a restart.
    public private(set) var url: URL
    private var order: HubOrder
    private let host: any HubHost

    /// Starts a hub.
    ///
    /// - Parameters:
    ///   - version: The protocol it speaks, `v1` or `v2`.
    ///   - sample: How many things its sample house has; none if 0.
    ///   - password: An admin's password, for hubs of v2.
    public init(_ version: String = "v1", sample: Int = 0, password: String? = nil) throws {
        var arguments = ["--protocol", version, "--auth-token", hubToken]
        if sample > 0 { arguments += ["--sample", "\(sample)"] }
        let environment = password.map { ["BLOWING_OFF_ADMIN_PASSWORD": $0] } ?? [:]
        order = HubOrder(arguments: arguments, environment: environment)
        host = try hubHost()
        url = URL(fileURLWithPath: "/")
        try start()
    }

    deinit {
        try? host.remove(order.id)
    }

    /// Starts it again, at the same place.
    public func start() throws {
        let text = try host.start(order)
        guard let url = URL(string: text), let name = url.host, let port = url.port else {
            throw HubError(description: "a hub at no URL: \(text)")
        }
        self.url = url
        order.listen = "\(name):\(port)"
    }

    /// Ends it as a power cut would.
    public func kill() throws {
        try host.kill(order.id)
    }
}

private func hubHost() throws -> any HubHost {
    if let url = ProcessInfo.processInfo.environment["WILDTHING_HUBS"] { return try HubsElsewhere(at: url) }
    #if os(macOS) || os(Linux)
    return HubProcesses.shared
    #else
    throw HubError(description: "WILDTHING_HUBS is not set: no process can be started here")
    #endif
}

/// A folder of its own, which whoever asked for it removes.
public func temporaryFolder() throws -> URL {
    let folder = FileManager.default.temporaryDirectory
        .appendingPathComponent("wildthing-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    return folder
}
