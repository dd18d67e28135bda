// The server, and the token it is shown.
import Foundation

extension WildThingClient {
    /// Remembers the server and the token. Does not talk to the server; ``probe()`` does.
    ///
    /// The token is kept in memory only: give it again when the app starts.
    ///
    /// Throws ``WildThingError/invalid(field:problem:)`` if URL or token can't be used.
    public func connect(
        to server: URL, token: String? = nil, options: ConnectOptions = ConnectOptions()
    ) async throws {
        try await connect(to: server, token, options, with: nil)
    }

    private func connect(
        to server: URL, _ token: String?, _ options: ConnectOptions, with credentials: Credentials?
    ) async throws {
        try await self.credentials.keep(credentials, for: core) { [core] in
            try await core.connect(serverURL: server.absoluteString, authToken: token, options: options)
        }
    }

    /// Remembers the server, and where tokens for it come from.
    ///
    /// The closure is asked for a token now, and for another whenever the server
    /// refuses the one in use: a sync then waits for it and goes on. It is asked
    /// by one task at a time. With `nil` there is no token for now, and calls that
    /// need one throw ``WildThingError/needsAuth(status:)``. A background sync waits
    /// then: the closure is asked again after two seconds, and after waits that double
    /// up to five minutes; sooner after ``networkDidBecomeAvailable()`` and ``resume()``.
    ///
    /// - Parameters:
    ///   - server: The server.
    ///   - options: Time limits, certificates and the like.
    ///   - credentials: Gives a token; told why. What it throws, this call or the
    ///     sync that waits throws too; in the background it is logged, by its type alone.
    public func connect(
        to server: URL, options: ConnectOptions = ConnectOptions(), credentials: @escaping Credentials
    ) async throws {
        let token = try await credentials(.connecting)
        try await connect(to: server, token, options, with: credentials)
    }

    /// Asks the server whether it is there and takes the token. Changes nothing.
    public func probe() async throws {
        try await renewing { try await core.probe() }
    }

    /// Changes the token. A background sync that waits for one goes on.
    public func setToken(_ token: String?) throws {
        try core.setAuthToken(token: token)
    }

    /// Asks the server for an admin's token, and uses it from then on. The
    /// password is kept nowhere. Syncs exchange the token for a fresh one in time.
    ///
    /// Throws ``WildThingError/wrongPassword``, or
    /// ``WildThingError/rateLimited(retryAfter:)`` after too many of them; the
    /// earlier token then stays in use.
    @discardableResult
    public func logIn(password: String) async throws -> AuthSession {
        try await core.login(password: password)
    }

    /// Asks the server for a guest's token with the text of a scanned invitation,
    /// and uses it from then on. It lasts about an hour and is not refreshed.
    ///
    /// The text is a JSON object: `"type": "guest_access"`, without which it is no
    /// invitation, `server`, `port` and `token`, and perhaps `expires` and
    /// `permissions`. Of these the `token` alone is sent.
    @discardableResult
    public func logInAsGuest(invitation: String) async throws -> AuthSession {
        try await core.loginGuest(qrData: invitation)
    }

    /// Exchanges the token in use for a fresh one. Syncs do it by themselves in
    /// time; this is for an app that wants to be sure before a long journey.
    @discardableResult
    public func refreshSession() async throws -> AuthSession {
        try await core.refreshSession()
    }

    /// The token in use and what is known of it; `nil` if there is none.
    public var authSession: AuthSession? { core.authSession() }

    /// Forgets the server and the token; the replica and its unsent edits stay.
    public func disconnect() async throws {
        try await credentials.keep(nil, for: core) { [core] in try await core.disconnect() }
    }
}
