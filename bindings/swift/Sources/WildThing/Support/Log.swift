// The library's log, for apps to see.
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
        try coreSetLogSink(level: level, sink: Sink(handler))
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

    init(_ handler: @escaping @Sendable (LogRecord) -> Void) {
        self.handler = handler
    }

    func log(record: LogRecord) throws {
        handler(record)
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
