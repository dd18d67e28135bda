// Each error with its fields, and what tokens have to do with them.
import Foundation
import HarnessSupport
import Testing

@testable import WildThing

#if canImport(FoundationNetworking)
import FoundationNetworking
#endif

@Suite struct ErrorTests {
    let folder: Folder

    init() throws {
        folder = try Folder()
    }

    /// What a sync throws whose server answers every request so.
    func syncing(with status: Int, _ body: String) async throws -> WildThingError {
        let server = try StubServer { _ in (status, body) }
        let client = try await folder.client("\(status)", at: server.url)
        defer { withExtendedLifetime(server) {} }
        return try await thrown { try await client.sync() }
    }

    @Test func whatIsAskedForMustBeThereAndMakeSense() async throws {
        let client = try await folder.client()
        #expect(try await thrown { try await client.fetchRoom("x") } == .notFound(kind: "room", id: "x"))
        guard case .invalid("id", _) = try await thrown({ try await client.fetchRoom("") }),
            case .invalid("name", _) = try await thrown({ try await client.createHouse(NewHouse(name: " ")) }),
            case .invalid("server_url", _) = try await thrown({
                try await client.connect(to: URL(string: "nonsense")!)
            }),
            case .invalid("file", _) = try await thrown({
                try await WildThingClient.open(at: URL(string: "http://home")!)
            })
        else { throw NeverCame(description: "the field") }
        #expect(try await thrown { try await client.sync() } == .notConnected)
        #expect(try await thrown { try await client.probe() } == .notConnected)
        #expect(throws: WildThingError.notConnected) { try client.setToken("t") }
    }

    @Test(arguments: [JSONValue.double(.nan), .double(.infinity), .number("1,2"), .number("")])
    func aNumberThatJSONCannotHaveDeletesNothing(_ number: JSONValue) async throws {
        let client = try await folder.client()
        let (house, _, lamp) = try await client.furnish()
        try await client.updateState(of: lamp.id, merging: ["level": 3])
        let calls: [@Sendable () async throws -> Void] = [
            { try await client.updateState(of: lamp.id, merging: ["level": number]) },
            { try await client.updateState(of: lamp.id, merging: ["levels": [1, ["deep": number]]]) },
            { try await client.updateHouse(house.id, with: HousePatch(settings: number)) },
            { try await client.updateDevice(lamp.id, with: DevicePatch(configuration: ["a": number])) },
        ]
        for call in calls {
            guard case .invalid("json", _) = try await thrown(call) else { throw NeverCame(description: "the field") }
        }
        #expect(try await client.fetchDevice(lamp.id).state == ["level": 3])
    }

    @Test func thereAreNoNegativeCounts() async throws {
        let client = try await folder.client()
        let (house, room, lamp) = try await client.furnish()
        let limits: [@Sendable () async throws -> Void] = [
            { _ = try await client.fetchStateHistory(of: lamp.id, limit: -1) },
            { _ = try await client.fetchEvents(limit: -1) },
            { _ = try await client.search("lamp", limit: -1) },
        ]
        for call in limits {
            #expect(try await thrown(call) == .invalid(field: "limit", problem: "-1 is less than nothing"))
        }
        #expect(
            try await thrown { try await client.findPath(from: house.id, to: room.id, maxDepth: -1) }
                == .invalid(field: "max_depth", problem: "-1 is less than nothing"))
    }

    @Test func aFileThatIsNoReplicaIsLeftAlone() async throws {
        let file = folder.url.appendingPathComponent("songs.db")
        let songs = Data(repeating: 0x20, count: 10_000)
        try songs.write(to: file)
        guard case .storage("not_a_database", let problem) = try await thrown({
            try await WildThingClient.open(at: file)
        }) else { throw NeverCame(description: "the error") }
        #expect(problem.contains("songs.db"))
        #expect(try Data(contentsOf: file) == songs)
    }

    @Test func serversFailInTheirOwnWays() async throws {
        #expect(try await syncing(with: 401, "{}") == .needsAuth(status: 401))
        guard case .server(501, let detail) = try await syncing(with: 501, #"{"detail":"not today"}"#),
            case .protocol(let problem) = try await syncing(with: 200, "no JSON")
        else { throw NeverCame(description: "the error") }
        #expect(detail.contains("not today"))
        #expect(!problem.isEmpty)
    }

    @Test func aReplicaKnowsItsServer() async throws {
        let (one, other) = (try Hub(), try Hub())
        let client = try await folder.client(at: one.url)
        try await client.sync()
        try await client.connect(to: other.url, token: hubToken)
        guard case .otherServer(let expected, let found) = try await thrown({ try await client.sync() }) else {
            throw NeverCame(description: "the other server")
        }
        #expect(!expected.isEmpty && expected != found)
        try await client.connect(to: other.url, token: hubToken, options: ConnectOptions(rebind: true))
        try await client.sync()
    }

    @Test func passwordsAreChangedForTokens() async throws {
        let hub = try Hub("v2", password: "secret-password")
        let client = try await folder.client()
        try await client.connect(to: hub.url)
        #expect(client.authSession == nil)
        #expect(try await thrown { try await client.logIn(password: "wrong") } == .wrongPassword)
        let session = try await client.logIn(password: "secret-password")
        #expect(session.role == .admin && session.expiresAt ?? .distantPast > Date() && client.authSession == session)
        #expect(!"\(session)\(String(reflecting: session))".contains(session.authToken))
        try await client.sync()
        let fresh = try await client.refreshSession()
        #expect(fresh.expiresAt ?? .distantPast >= session.expiresAt ?? .distantFuture)
        guard case .invalid("qr_data", _) = try await thrown({ try await client.logInAsGuest(invitation: "{}") }) else {
            throw NeverCame(description: "the field")
        }
        for _ in 0..<5 { _ = try? await client.logIn(password: "wrong") }
        guard case .rateLimited(let wait) = try await thrown({
            try await client.logIn(password: "secret-password")
        }) else { throw NeverCame(description: "the limit") }
        #expect(wait > .zero && wait < .seconds(7_200))
    }

    @Test func aGuestComesInWithAnInvitationAndGetsNoOtherToken() async throws {
        let hub = try Hub("v2", password: "secret-password")
        let client = try await folder.client()
        try await client.connect(to: hub.url)
        let admin = try await client.logIn(password: "secret-password")
        var request = URLRequest(url: hub.url.appendingPathComponent("api/v1/auth/guest/generate-qr"))
        request.httpMethod = "POST"
        request.httpBody = Data("{}".utf8)
        request.setValue("application/json", forHTTPHeaderField: "Content-Type")
        request.setValue("Bearer \(admin.authToken)", forHTTPHeaderField: "Authorization")
        let (data, _) = try await URLSession.shared.data(for: request)
        let made = try JSONValue(parsing: String(decoding: data, as: UTF8.self))
        let invitation = try #require(made["qr_data"])
        let session = try await client.logInAsGuest(invitation: invitation.stringValue ?? invitation.text)
        #expect(session.role == .guest)
        guard case .notAllowed(let detail) = try await thrown({ try await client.refreshSession() }) else {
            throw NeverCame(description: "the refusal")
        }
        #expect(!detail.isEmpty)
    }

    @Test func everyErrorSaysSomethingToPeople() {
        let all: [WildThingError] = [
            .offline(reason: "r"), .needsAuth(status: 401), .wrongPassword, .rateLimited(retryAfter: .milliseconds(1)),
            .notAllowed(detail: "d"), .server(status: 500, detail: "d"), .protocol(problem: "p"),
            .storage(code: "io", problem: "p"), .paused, .cancelled, .notConnected,
            .otherServer(expected: "e", found: "f"), .busy, .notFound(kind: "room", id: "x"),
            .invalid(field: "f", problem: "p"), .unsupportedByServer(what: "w"), .unsentEdits(count: 2),
            .timeout(waited: .milliseconds(1_500), pending: 2), .internal(detail: "d"),
        ]
        let texts = all.map(\.localizedDescription)
        #expect(Set(texts).count == all.count && texts.allSatisfy { !$0.isEmpty })
        #expect(texts[17].contains("1.5 seconds"))
        #expect(texts[3].contains("1 s") && all.compactMap(\.recoverySuggestion).count == 6)
    }

    // MARK: Credentials

    @Test func aRefusedTokenIsRenewedWithinTheCall() async throws {
        let hub = try Hub(sample: 30)
        let client = try await folder.client()
        let asked = Locked<[CredentialsRequest]>([])
        try await client.connect(to: hub.url) { request in
            asked.withLock { $0.append(request) }
            return request == .connecting ? "stale" : hubToken
        }
        #expect(try await client.sync().pulled == 30)
        #expect(asked.withLock { $0 } == [.connecting, .refused])
        #expect(client.authSession?.authToken == hubToken)
    }

    @Test func aBackgroundSyncGetsItsTokenToo() async throws {
        let hub = try Hub(sample: 30)
        let client = try await folder.client()
        try await client.connect(to: hub.url) { $0 == .connecting ? nil : hubToken }
        try await client.startBackgroundSync()
        try await soon("the house comes") {
            for try await houses in client.houses where !houses.isEmpty { return }
        }
    }

    @Test func withoutAnotherTokenItIsRefused() async throws {
        let hub = try Hub()
        let client = try await folder.client()
        try await client.connect(to: hub.url) { _ in "stale" }
        #expect(try await thrown { try await client.sync() } == .needsAuth(status: 401))
        struct NoWay: Error {}
        try await client.connect(to: hub.url) { request in
            if request == .refused { throw NoWay() }
            return "stale"
        }
        await #expect(throws: NoWay.self) { try await client.sync() }
        try client.setToken(hubToken)
        try await client.sync()
    }

    @Test func aBackgroundSyncAsksUntilATokenIsGood() async throws {
        struct NoWay: Error {}
        let hub = try Hub(sample: 30)
        let client = try await folder.client()
        let (waits, asked) = (Locked<[Int]>([]), Locked(0))
        client.credentials.wait.withLock { $0 = { questions in waits.withLock { $0.append(questions) } } }
        try await client.connect(to: hub.url) { request in
            if request == .connecting { return "stale" }
            let count = asked.withLock { count in
                count += 1
                return count
            }
            switch count {
            case 1: throw NoWay()
            case 2: return nil
            case 3: return "stale too"
            default: return hubToken
            }
        }
        try await client.startBackgroundSync()
        try await soon("the house comes") {
            for try await houses in client.houses where !houses.isEmpty { return }
        }
        // It waited before each question but the first, longer and longer.
        #expect(waits.withLock { $0 } == [1, 2, 3] && asked.withLock { $0 } == 4)
    }

    @Test(arguments: [true, false])
    func theWaitForATokenEndsWhenTheAppKnowsBetter(_ resumes: Bool) async throws {
        let hub = try Hub(sample: 30)
        let client = try await folder.client()
        let (waits, isThere) = (Locked(false), Locked(false))
        client.credentials.wait.withLock {
            $0 = { _ in
                waits.withLock { $0 = true }
                try await Task.sleep(for: .seconds(3_600))
            }
        }
        try await client.connect(to: hub.url) { _ in isThere.withLock { $0 } ? hubToken : nil }
        try await client.startBackgroundSync()
        try await eventually("it waits") { waits.withLock { $0 } }
        isThere.withLock { $0 = true }
        if resumes {
            try await client.pause()
            try await client.resume()
        } else {
            client.networkDidBecomeAvailable()
        }
        try await soon("the house comes") {
            for try await houses in client.houses where !houses.isEmpty { return }
        }
    }

    @Test func aTokenForOneServerIsNotGivenToAnother() async throws {
        let (one, other) = (try Hub(), try Hub())
        let client = try await folder.client()
        let asked = Locked(false)
        let (answers, answer) = AsyncStream.makeStream(of: String.self)
        let late = Task { await answers.first { _ in true } }
        try await client.connect(to: one.url) { request in
            if request == .connecting { return "stale" }
            asked.withLock { $0 = true }
            return await late.value
        }
        let syncing = Task { try await client.sync() }
        try await eventually("the closure is asked") { asked.withLock { $0 } }
        try await client.connect(to: other.url, token: hubToken)
        answer.yield("late")
        #expect(try await thrown { try await soon { try await syncing.value } } == .needsAuth(status: 401))
        #expect(client.authSession?.authToken == hubToken)
        try await client.sync()
    }

    @Test func aConnectThatFailsLeavesTheCredentialsBefore() async throws {
        let hub = try Hub()
        let client = try await folder.client()
        try await client.connect(to: hub.url) { $0 == .connecting ? "stale" : hubToken }
        guard case .invalid("server_url", _) = try await thrown({
            try await client.connect(to: URL(string: "nonsense")!)
        }) else { throw NeverCame(description: "the field") }
        try await client.sync()
        #expect(client.authSession?.authToken == hubToken)
    }

    @Test func waitingForCredentialsEndsWithItsTask() async throws {
        let hub = try Hub()
        let client = try await folder.client()
        let asked = Locked(false)
        try await client.connect(to: hub.url) { request in
            if request == .connecting { return "stale" }
            asked.withLock { $0 = true }
            try await Task.sleep(for: .seconds(3_600))
            return nil
        }
        let syncing = Task { try await client.sync() }
        try await eventually("the closure is asked") { asked.withLock { $0 } }
        syncing.cancel()
        await #expect(throws: CancellationError.self) { try await soon { try await syncing.value } }
        await client.shutdown()
    }
}
