// Errors as JSON: the word under `is`, and the fields beside it. One that is
// forgotten does not compile.
import WildThing

func shown(error: WildThingError) throws -> JSONObject {
    switch error {
    case .offline(let reason): ["is": "offline", "reason": .string(reason)]
    case .needsAuth(let status): ["is": "needs_auth", "status": .int(status)]
    case .wrongPassword: ["is": "wrong_password"]
    case .rateLimited(let wait): ["is": "rate_limited", "retry_after": .int(milliseconds(of: wait))]
    case .notAllowed(let detail): ["is": "not_allowed", "detail": .string(detail)]
    case .server(let status, let detail): ["is": "server", "status": .int(status), "detail": .string(detail)]
    case .protocol(let problem): ["is": "protocol", "problem": .string(problem)]
    case .storage(let code, let problem): ["is": "storage", "code": .string(code), "problem": .string(problem)]
    case .paused: ["is": "paused"]
    case .cancelled: ["is": "cancelled"]
    case .notConnected: ["is": "not_connected"]
    case .otherServer(let expected, let found):
        ["is": "other_server", "expected": .string(expected), "found": .string(found)]
    case .busy: ["is": "busy"]
    case .notFound(let kind, let id): ["is": "not_found", "kind": .string(kind), "id": .string(id)]
    case .invalid(let field, let problem): ["is": "invalid", "field": .string(field), "problem": .string(problem)]
    case .unsupportedByServer(let what): ["is": "unsupported_by_server", "what": .string(what)]
    case .unsentEdits(let count): ["is": "unsent_edits", "count": .int(count)]
    case .timeout(let waited, let pending):
        ["is": "timeout", "waited_ms": .int(milliseconds(of: waited)), "pending": .int(pending)]
    case .internal(let detail): ["is": "internal", "detail": .string(detail)]
    }
}
