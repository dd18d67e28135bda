// A server that is not a hub: it keeps what it is sent, and answers what a test
// tells it to, or never.
import Foundation

#if canImport(Glibc)
import Glibc
#endif

/// A request as it came.
public struct Recorded: Sendable, Hashable {
    /// The path, with a leading slash.
    public let path: String
    /// The body.
    public let body: Data
}

/// A server on a thread of its own that takes one request a connection.
public final class StubServer: @unchecked Sendable {
    /// What to answer: the status and the body; `nil` to hold the request for good.
    public typealias Answer = @Sendable (Recorded) -> (status: Int, body: String)?

    /// Where it is.
    public let url: URL
    private let listener: Int32
    private let answer: Answer
    private let lock = NSLock()
    private var taken: [Recorded] = []
    private var held: [Int32] = []

    public init(_ answer: @escaping Answer) throws {
        self.answer = answer
        let listening = socket(AF_INET, stream, 0)
        listener = listening
        var address = loopback(0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listening, $0, length) == 0 && listen(listening, 16) == 0
                    && getsockname(listening, $0, &length) == 0
            }
        }
        guard bound else { throw HubError(description: "no socket to listen on") }
        url = URL(string: "http://127.0.0.1:\(UInt16(bigEndian: address.sin_port))")!
        Thread.detachNewThread { [weak self] in
            while true {
                let connection = accept(listening, nil, nil)
                guard connection >= 0, let self else { return }
                Thread.detachNewThread { self.serve(connection) }
            }
        }
    }

    deinit {
        shutdown(listener, Int32(SHUT_RDWR))
        close(listener)
        held.forEach { _ = close($0) }
    }

    /// Every request up to now.
    public var requests: [Recorded] { lock.withLock { taken } }

    /// Whether a request is held that its sender has not given up.
    public var holdsRequest: Bool {
        lock.withLock {
            held.contains { connection in
                var byte: UInt8 = 0
                // A sender that gave up has closed: there is an end to read.
                return recv(connection, &byte, 1, Int32(MSG_PEEK.rawValue32 | MSG_DONTWAIT.rawValue32)) != 0
            }
        }
    }

    private func serve(_ connection: Int32) {
        guard let request = Self.read(connection) else {
            close(connection)
            return
        }
        // Held before it is told of: whoever sees the request finds it held.
        let answer = answer(request)
        lock.withLock {
            if answer == nil { held.append(connection) }
            taken.append(request)
        }
        guard let answer else { return }
        let head = "HTTP/1.1 \(answer.status) -\r\nContent-Type: application/json\r\n"
            + "Content-Length: \(answer.body.utf8.count)\r\nConnection: close\r\n\r\n"
        let bytes = Array((head + answer.body).utf8)
        _ = bytes.withUnsafeBytes { send(connection, $0.baseAddress, $0.count, 0) }
        close(connection)
    }

    private static func read(_ connection: Int32) -> Recorded? {
        var data = Data()
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let end = Data("\r\n\r\n".utf8)
        while true {
            if let range = data.range(of: end) {
                let head = String(decoding: data[..<range.lowerBound], as: UTF8.self)
                let lines = head.components(separatedBy: "\r\n")
                let length = lines.lazy
                    .filter { $0.lowercased().hasPrefix("content-length:") }
                    .compactMap { Int($0.dropFirst(15).trimmingCharacters(in: .whitespaces)) }
                    .first ?? 0
                if data.count - range.upperBound >= length {
                    let path = lines[0].split(separator: " ").dropFirst().first ?? ""
                    return Recorded(path: String(path), body: Data(data[range.upperBound...].prefix(length)))
                }
            }
            let count = recv(connection, &buffer, buffer.count, 0)
            guard count > 0 else { return nil }
            data.append(contentsOf: buffer[..<count])
        }
    }
}

/// The kind of socket that TCP has.
var stream: Int32 {
    #if canImport(Glibc)
    Int32(SOCK_STREAM.rawValue)
    #else
    SOCK_STREAM
    #endif
}

/// A port of this machine; 0 for one that is free.
func loopback(_ port: UInt16) -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(INADDR_LOOPBACK).bigEndian
    address.sin_port = port.bigEndian
    return address
}

extension BinaryInteger {
    fileprivate var rawValue32: Int { Int(self) }
}

#if canImport(Glibc)
extension RawRepresentable where RawValue: BinaryInteger {
    fileprivate var rawValue32: Int { Int(rawValue) }
}
#endif
