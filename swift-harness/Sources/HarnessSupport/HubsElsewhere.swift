// Hubs for tests that can't start a process, such as those on a simulator: the
// program `hubs` starts them on the same machine. Here are both ends of that.
//
// It is asked by HTTP: `POST /start` with an order gives a URL, `POST /kill` and
// `POST /remove` take a name. What goes wrong there is answered with 500.
import Foundation

#if canImport(Glibc)
import Glibc
#endif

/// Hubs of the program `hubs`.
struct HubsElsewhere: HubHost {
    private let port: UInt16

    /// - Parameter url: Where it is: a port of this machine.
    init(at url: String) throws {
        guard let port = URL(string: url)?.port.flatMap(UInt16.init) else {
            throw HubError(description: "WILDTHING_HUBS is no URL with a port: \(url)")
        }
        self.port = port
    }

    func start(_ order: HubOrder) throws -> String { try ask("start", JSONEncoder().encode(order)) }
    func kill(_ id: String) throws { _ = try ask("kill", Data(id.utf8)) }
    func remove(_ id: String) throws { _ = try ask("remove", Data(id.utf8)) }

    /// A request and its answer, over a plain socket: Apple's systems let no other
    /// plain HTTP through without a word in the app's `Info.plist`.
    private func ask(_ what: String, _ body: Data) throws -> String {
        let connection = socket(AF_INET, stream, 0)
        defer { close(connection) }
        var address = loopback(port)
        let connected = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(connection, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
        guard connected else { throw HubError(description: "nobody at port \(port) starts hubs") }
        let head = "POST /\(what) HTTP/1.1\r\nContent-Length: \(body.count)\r\n\r\n"
        let request = Data(head.utf8) + body
        _ = request.withUnsafeBytes { send(connection, $0.baseAddress, $0.count, 0) }
        var answer = Data()
        var buffer = [UInt8](repeating: 0, count: 4_096)
        while case let count = recv(connection, &buffer, buffer.count, 0), count > 0 {
            answer.append(contentsOf: buffer[..<count])
        }
        let text = String(decoding: answer, as: UTF8.self)
        guard let end = text.range(of: "\r\n\r\n") else {
            throw HubError(description: "who starts hubs gave no answer")
        }
        let told = String(text[end.upperBound...])
        guard text.hasPrefix("HTTP/1.1 200 ") else { throw HubError(description: told) }
        return told
    }
}

#if os(macOS) || os(Linux)
/// The other end: starts hubs for others, and ends them when it goes.
public final class HubServer: Sendable {
    private let server: StubServer

    public init() throws {
        server = try StubServer { request in
            do {
                let name = String(decoding: request.body, as: UTF8.self)
                switch request.path {
                case "/start":
                    let order = try JSONDecoder().decode(HubOrder.self, from: request.body)
                    return (200, try HubProcesses.shared.start(order))
                case "/kill": HubProcesses.shared.kill(name)
                case "/remove": try HubProcesses.shared.remove(name)
                default: throw HubError(description: "\(request.path)?")
                }
                return (200, "")
            } catch {
                return (500, "\(error)")
            }
        }
    }

    /// Where it is.
    public var url: URL { server.url }

    /// Ends every hub.
    public func removeAll() throws { try HubProcesses.shared.removeAll() }
}
#endif
