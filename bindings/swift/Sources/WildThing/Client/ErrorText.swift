// What errors say to people.
import Foundation

extension WildThingError: LocalizedError, CustomStringConvertible {
    /// What went wrong, in a sentence for people.
    public var errorDescription: String? { description }

    /// The same: errors never hold a token or a password.
    public var description: String {
        switch self {
        case .offline(let reason): "The server can't be reached: \(reason)"
        case .needsAuth(let status): "The server refused the token (HTTP \(status))."
        case .wrongPassword: "The password is wrong."
        case .rateLimited(let wait): "Too many attempts. Try again in \(wait.wholeSeconds) s."
        case .notAllowed(let detail): "Not allowed: \(detail)"
        case .server(let status, let detail): "The server answered \(status): \(detail)"
        case .protocol(let problem): "The server's answer can't be used: \(problem)"
        case .storage(_, let problem): "The local database failed: \(problem)"
        case .paused: "The client is paused."
        case .cancelled: "Cancelled."
        case .notConnected: "There is no server yet."
        case .otherServer(let expected, let found):
            "This replica belongs to server \(expected), not to \(found)."
        case .busy: "Another process is syncing this replica."
        case .notFound(let kind, let id): "There is no \(kind) “\(id)”."
        case .invalid(let field, let problem): "\(field): \(problem)"
        case .unsupportedByServer(let what): "\(what): only a server that speaks v2 takes that."
        case .unsentEdits(let count): "\(count) unsent edits would be lost."
        case .timeout(let waited, let pending):
            "Not done after \(waited); \(pending) edits wait to be sent."
        case .internal(let detail): "Internal error: \(detail)"
        }
    }

    /// What can be done about it, where that is known.
    public var recoverySuggestion: String? {
        switch self {
        case .offline: "Edits are safe here, and are sent when the server is back."
        case .needsAuth, .wrongPassword: "Log in again."
        case .paused: "Resume the client first."
        case .notConnected: "Connect to a server first."
        case .unsentEdits: "Sync first, or allow them to be dropped."
        default: nil
        }
    }
}

extension Duration {
    /// Rounded up: whoever waits so long has waited long enough.
    fileprivate var wholeSeconds: Int64 {
        components.seconds + (components.attoseconds > 0 ? 1 : 0)
    }
}
