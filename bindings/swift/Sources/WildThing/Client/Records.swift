// What records are to SwiftUI and to collections: things with an identity.

extension House: Identifiable {}
extension Room: Identifiable {}
extension Device: Identifiable {}
extension User: Identifiable {}
extension Event: Identifiable {}
extension Entity: Identifiable {}
extension Relationship: Identifiable {}
extension Conflict: Identifiable {}

extension DeviceState: Identifiable {
    /// The device.
    public var id: RecordID { deviceID }
}

extension SearchHit: Identifiable {
    /// The entity.
    public var id: RecordID { entity.id }
}

extension Neighbour: Identifiable {
    /// The relationship.
    public var id: RecordID { relationship.id }
}

extension PendingChange: Identifiable {
    /// A record across all kinds: servers may repeat an id in another kind.
    public struct ID: Hashable, Sendable {
        /// The record's kind.
        public let kind: Kind
        /// Its id within the kind.
        public let recordID: RecordID
    }

    /// The record: it has one unsent edit at most.
    public var id: ID { ID(kind: kind, recordID: recordID) }
}
