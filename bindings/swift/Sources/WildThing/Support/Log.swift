// The library's log, for apps to see.
import Foundation

#if canImport(os)
import os
#endif

/// Where the messages of all clients in this process go. They never hold tokens.
public enum WildThingLog {
    /// Calls `handler` with every message of `level` and graver from now on; one
    /// given before is replaced. It is called on a thread of its own, one message
    /// at a time.
    public static func setHandler(
        level: LogLevel, _ handler: @escaping @Sendable (LogRecord) -> Void
    ) throws {
        let sink = Sink(handler)
        try coreSetLogSink(level: level, sink: sink)
        own.withLock { $0 = level == .off || level == .error ? nil : sink }
    }

    /// Takes the layer's own warnings; `nil` if nobody wants them.
    private static let own = Locked<Sink?>(nil)

    /// Tells what the layer found out. It must not hold tokens.
    static func warn(_ text: String) {
        guard let sink = own.withLock({ $0 }) else { return }
        sink.later(LogRecord(time: Date(), level: .warning, target: "wildthing::swift", text: text))
    }

    #if canImport(os)
    /// Sends messages to the system's log.
    public static func useSystemLog(
        level: LogLevel = .info, logger: Logger = Logger(subsystem: "com.thegoodies.wildthing", category: "core")
    ) throws {
        try setHandler(level: level) { record in
            logger.log(level: record.level.systemLevel, "\(record.target, privacy: .public): \(record.text)")
        }
    }
    #endif
}

private final class Sink: CoreLogSink {
    private let handler: @Sendable (LogRecord) -> Void
    /// One message at a time, whether the core's or the layer's.
    private let turn = DispatchQueue(label: "WildThing log")

    init(_ handler: @escaping @Sendable (LogRecord) -> Void) {
        self.handler = handler
    }

    /// The core's thread waits for the handler, and tells of one that is too slow.
    func log(record: LogRecord) {
        turn.sync { handler(record) }
    }

    func later(_ record: LogRecord) {
        turn.async { [handler] in handler(record) }
    }
}

#if canImport(os)
extension LogLevel {
    var systemLevel: OSLogType {
        switch self {
        case .error: .error
        case .warning: .default
        case .info: .info
        case .off, .debug, .trace: .debug
        }
    }
}
#endif
