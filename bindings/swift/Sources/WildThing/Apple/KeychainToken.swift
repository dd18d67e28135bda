// The token, kept where Apple's systems keep secrets.
//
// Not verified on the machines this is developed on: they have no Keychain.
#if canImport(Security)
import Foundation
import Security

/// A token in the Keychain.
///
/// It can be read while the device is locked, once it was unlocked after its
/// start: a background refresh needs it then. It is not moved to other devices.
public struct KeychainToken: Sendable {
    /// Whose token it is; usually the app's bundle identifier.
    public let service: String
    /// Which one, where there are several: the server's address, for example.
    public let account: String
    /// The access group that app and extensions share, if they do.
    public let accessGroup: String?

    public init(service: String, account: String, accessGroup: String? = nil) {
        self.service = service
        self.account = account
        self.accessGroup = accessGroup
    }

    /// The token that is kept; `nil` if none is.
    public func load() throws -> String? {
        var query = query
        query[kSecReturnData as String] = true
        query[kSecMatchLimit as String] = kSecMatchLimitOne
        var found: CFTypeRef?
        let status = SecItemCopyMatching(query as CFDictionary, &found)
        if status == errSecItemNotFound { return nil }
        guard status == errSecSuccess, let data = found as? Data else { throw KeychainError(status: status) }
        return String(decoding: data, as: UTF8.self)
    }

    /// Keeps a token in the place of the one before; `nil` removes it.
    public func save(_ token: String?) throws {
        guard let token else {
            let status = SecItemDelete(query as CFDictionary)
            guard status == errSecSuccess || status == errSecItemNotFound else {
                throw KeychainError(status: status)
            }
            return
        }
        let values: [String: Any] = [
            kSecValueData as String: Data(token.utf8),
            kSecAttrAccessible as String: kSecAttrAccessibleAfterFirstUnlockThisDeviceOnly,
        ]
        var status = SecItemUpdate(query as CFDictionary, values as CFDictionary)
        if status == errSecItemNotFound {
            status = SecItemAdd(query.merging(values) { $1 } as CFDictionary, nil)
        }
        guard status == errSecSuccess else { throw KeychainError(status: status) }
    }

    /// Credentials that use the token in the Keychain, and keep what `renew` gives
    /// when the server refused it.
    public func credentials(
        renew: @escaping @Sendable () async throws -> String? = { nil }
    ) -> Credentials {
        { request in
            if request == .connecting, let token = try load() { return token }
            let token = try await renew()
            if let token { try save(token) }
            return token
        }
    }

    private var query: [String: Any] {
        var query: [String: Any] = [
            kSecClass as String: kSecClassGenericPassword,
            kSecAttrService as String: service,
            kSecAttrAccount as String: account,
            kSecUseDataProtectionKeychain as String: true,
        ]
        if let accessGroup { query[kSecAttrAccessGroup as String] = accessGroup }
        return query
    }
}

/// Why the Keychain did not do what was asked.
public struct KeychainError: LocalizedError, Hashable, Sendable {
    /// The system's code.
    public let status: OSStatus

    /// The system's words.
    public var errorDescription: String? {
        let words = SecCopyErrorMessageString(status, nil) as String?
        return words ?? "The Keychain answered \(status)."
    }
}
#endif
