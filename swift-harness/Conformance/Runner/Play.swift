// Plays one scenario: does what the stage orders, by the public API, and says what
// came of it.
import Foundation
import WildThing

/// Why a scenario can't be played on: it asks for what there is not, or the runner is wrong.
struct Problem: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}

/// What became of a scenario.
struct Played {
    let transcript: String
    /// Why it ended early.
    let problem: String?

    /// The transcript as it is written to a file: one that ended early says why.
    var text: String {
        guard let problem else { return transcript }
        return "\(transcript)\(JSONObject(dictionaryLiteral: ("failed", .string(problem))).text)\n"
    }
}

/// Plays a scenario's file, with what it needs in `folder`. The stage blocks this
/// thread, and no other.
func play(_ scenario: URL, in folder: URL) -> Played {
    let stage: Stage
    do {
        stage = try Stage(scenario: scenario.path, folder: folder.path)
    } catch {
        return Played(transcript: "", problem: "\(error)")
    }
    do {
        let player = Player()
        while let order = try stage.nextOrder() {
            try stage.done(waiting { try await player.obey(order) })
        }
        return Played(transcript: stage.transcript, problem: nil)
    } catch {
        return Played(transcript: stage.transcript, problem: "\(error)")
    }
}

/// Waits on this thread for work on others.
private func waiting<Result: Sendable>(for work: @escaping @Sendable () async throws -> Result) throws -> Result {
    let over = DispatchSemaphore(value: 0)
    nonisolated(unsafe) var result: Swift.Result<Result, any Error>?
    Task.detached {
        do { result = .success(try await work()) } catch { result = .failure(error) }
        over.signal()
    }
    over.wait()
    guard let result else { throw Problem("an order was never obeyed") }
    return try result.get()
}

/// The clients of a scenario, and the calls that were begun and not waited for.
private actor Player {
    private struct Open {
        let client: WildThingClient
        let changes: Changes.Iterator
        /// Events of a batch that were not asked for yet.
        var untold: [ChangeEvent] = []
    }

    private var clients: [String: Open] = [:]
    private var started: [String: Task<JSONObject, any Error>] = [:]

    /// Does what an order says; both are JSON.
    func obey(_ text: String) async throws -> String {
        var order = Arguments(try JSONObject(parsing: text))
        let word: String = try order.need("order")
        return try await answer(to: word, &order).text
    }

    private func answer(to word: String, _ order: inout Arguments) async throws -> JSONObject {
        switch word {
        case "open":
            return try await open(order.need("client"), order.need("path"), order.need("options"))
        case "call":
            return try await call(client(order.need("client")), order.need("call"), order.need("args"))
        case "start":
            let client = try client(order.need("client"))
            let (word, args): (String, JSONObject) = (try order.need("call"), try order.need("args"))
            started[try order.need("task")] = Task { try await call(client, word, args) }
            return ["ok": nil]
        case "join":
            guard let task = started.removeValue(forKey: try order.need("task")) else {
                throw Problem("nothing was started so")
            }
            return try await task.value
        case "events":
            return ["ok": .array(try await events(of: order.need("client"), count: order.need("count")))]
        case "let_go":
            clients[try order.need("client")] = nil
            return ["ok": nil]
        default:
            throw Problem("an order of another stage: \(word)")
        }
    }

    private func client(_ name: String) throws -> WildThingClient {
        guard let open = clients[name] else { throw Problem("\(name) is not open") }
        return open.client
    }

    private func open(_ name: String, _ path: String, _ given: JSONObject) async throws -> JSONObject {
        var given = Arguments(given)
        let options = OpenOptions(syncOnWrite: try given.need("sync_on_write"))
        try given.end()
        do {
            let client = try await WildThingClient.open(at: URL(fileURLWithPath: path), options: options)
            clients[name] = Open(client: client, changes: client.changes.makeAsyncIterator())
            return ["ok": nil]
        } catch let error as WildThingError {
            return ["error": .object(try shown(error: error))]
        }
    }

    private func events(of name: String, count: Int) async throws -> [JSONValue] {
        guard var open = clients[name] else { throw Problem("\(name) is not open") }
        while open.untold.count < count {
            guard let batch = await open.changes.next() else {
                throw Problem("the changes of \(name) end where an event is due")
            }
            guard batch.missed == 0 else { throw Problem("\(name) missed \(batch.missed) events") }
            open.untold += batch.events
        }
        let told = try open.untold.prefix(count).map { try shown($0) ?? nil }
        open.untold.removeFirst(count)
        clients[name] = open
        return told
    }
}
