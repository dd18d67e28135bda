// The client: what it is made of, opening it, and its life. What it can do is
// in the files beside this one, by what it is for.
import Foundation

/// A house that works offline.
///
/// A client keeps a replica of the house in one SQLite file. Reading and editing
/// need no network; a sync brings in the server's changes and sends the edits.
/// No edit is lost: one that loses a conflict is kept, and can be restored.
///
/// Every call may be made from any task. When the last reference goes, the
/// client ends in the background; ``shutdown()`` waits for it.
///
/// ## Cancellation
///
/// When a task is cancelled, the call it waits for throws `CancellationError` at
/// once. An edit is then either not begun, or made whole: a call that was begun
/// is carried out, though its result goes nowhere. A sync ends if nobody else
/// waits for it and none goes on in the background. ``pause()``, ``shutdown()``
/// and ``stopBackgroundSync()`` are carried out to their end.
public final class WildThingClient: Sendable {
    let core: CoreClient
    let credentials = CredentialsKeeper()

    init(core: CoreClient) {
        self.core = core
    }

    deinit {
        credentials.forget()
    }

    /// Opens a replica, or makes one.
    ///
    /// Throws ``WildThingError/storage(code:problem:)`` if the file can't be used;
    /// one that is no replica, or of a newer version, is left untouched. A damaged
    /// one is set aside, and what could be read of its unsent edits carried over:
    /// see ``salvaged``.
    ///
    /// - Parameters:
    ///   - file: Where the file is, or shall be. Its folder must exist.
    ///   - options: How safe writes are, and what a write sets off.
    public static func open(at file: URL, options: OpenOptions = OpenOptions()) async throws -> WildThingClient {
        return WildThingClient(core: try await CoreClient.open(path: try path(of: file), options: options))
    }

    /// Opens an encrypted replica, or makes one.
    ///
    /// The key is 32 random bytes, which an app keeps in the keychain; a password is
    /// no key. Throws ``WildThingError/storage(code:problem:)``, and touches nothing,
    /// if the file was encrypted with another key (code `wrong_key`) or is not
    /// encrypted (`not_encrypted`), and with code `no_encryption` if this library was
    /// built without encryption, as it is unless you built it otherwise.
    ///
    /// - Parameters:
    ///   - file: Where the file is, or shall be. Its folder must exist.
    ///   - key: Its key.
    ///   - options: How safe writes are, and what a write sets off.
    public static func open(
        at file: URL, key: Data, options: OpenOptions = OpenOptions()
    ) async throws -> WildThingClient {
        let core = try await CoreClient.openEncrypted(path: try path(of: file), key: key, options: options)
        return WildThingClient(core: core)
    }

    private static func path(of file: URL) throws -> String {
        guard file.isFileURL else {
            throw WildThingError.invalid(field: "file", problem: "\(file) is not the URL of a file")
        }
        return file.path
    }

    /// Encrypts the replica with another key, for the first time, or (`nil`) not any
    /// more. The file is written anew and takes the place of the old one: there must
    /// be room for both. Other calls wait meanwhile.
    ///
    /// Throws ``WildThingError/storage(code:problem:)``, and changes nothing, with code
    /// `busy` while another process has the file open. An app that is ended on the way
    /// finds the file with the one key or the other: keep both until this has returned.
    public func changeKey(to key: Data?) async throws {
        try await core.changeKey(newKey: key)
    }

    /// Where a damaged file was set aside to when this client was opened, and how
    /// many of its unsent edits were saved; `nil` if it was sound.
    public var salvaged: Salvaged? { core.salvaged() }

    /// This replica's name to servers, a UUID.
    public var clientID: String {
        get async throws { try await core.clientID() }
    }

    /// Stops a running sync and closes every connection to the file, so that no
    /// lock on it is held: iOS ends an app that holds one while suspended.
    ///
    /// Calls throw ``WildThingError/paused`` until ``resume()``, but for
    /// ``fetchStatus()``; live queries wait. A task that is cancelled pauses all
    /// the same: there is no time to try again.
    public func pause() async throws {
        // A task of its own, since a cancelled one begins no call.
        try await Task { [core] in try await core.pause() }.value
    }

    /// Opens the file again. A background sync tries at once.
    public func resume() async throws {
        try await core.resume()
        credentials.hurry()
    }

    /// Ends background work and a running sync, and closes the file. Sequences
    /// and observers end once they have told what happened until now; later
    /// calls throw ``WildThingError/cancelled``.
    public func shutdown() async {
        credentials.forget()
        await core.shutdown()
    }
}
