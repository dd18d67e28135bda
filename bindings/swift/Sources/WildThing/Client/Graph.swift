// The house as a graph: entities of any type, and the relationships between
// them. Edits need a server that speaks v2, or `ConnectOptions.protocol` to say
// that there is one; they throw `unsupportedByServer` otherwise.

extension WildThingClient {
    /// The entities of a type (`home`, `room`, `device`, `note`, …), or all, by
    /// type and name.
    public func fetchEntities(ofType type: String? = nil) async throws -> [Entity] {
        try await core.getEntities(entityType: type)
    }

    /// One entity. Without a graph ids may repeat across types: then it throws
    /// ``WildThingError/invalid(field:problem:)``, unless `type` tells which.
    public func fetchEntity(_ id: RecordID, ofType type: String? = nil) async throws -> Entity {
        try await core.getEntity(entityID: id, entityType: type)
    }

    /// Makes an entity. What has a place is better made by ``createRoom(_:)`` and
    /// ``createDevice(_:)``.
    @discardableResult
    public func createEntity(_ entity: NewEntity) async throws -> Entity {
        try await core.createEntity(entity: entity)
    }

    /// Changes an entity: its name, and its content by a merge or as a whole.
    @discardableResult
    public func updateEntity(_ id: RecordID, with patch: EntityPatch) async throws -> Entity {
        try await core.updateEntity(entityID: id, patch: patch)
    }

    /// Deletes an entity; a house with its rooms, and a room with its devices.
    public func deleteEntity(_ id: RecordID) async throws {
        try await core.deleteEntity(entityID: id)
    }

    /// The relationships that fit a filter, or all, by id.
    public func fetchRelationships(
        matching filter: RelationshipFilter = RelationshipFilter()
    ) async throws -> [Relationship] {
        try await core.getRelationships(filter: filter)
    }

    /// Connects two entities: `source` is `located_in`, `controls`, … `target`. If
    /// they are connected just so already, gives that relationship.
    @discardableResult
    public func connectEntities(
        from source: RecordID, to target: RecordID, as type: String, properties: JSONObject? = nil
    ) async throws -> Relationship {
        try await core.connectEntities(
            fromID: source, toID: target, relationshipType: type, properties: properties)
    }

    /// Takes a relationship away.
    public func disconnectEntities(_ relationshipID: RecordID) async throws {
        try await core.disconnectEntities(relationshipID: relationshipID)
    }

    /// What is next to an entity: along relationships of one type, or in one
    /// direction, if asked for.
    public func fetchNeighbours(
        of id: RecordID, along type: String? = nil, direction: EdgeDirection? = nil
    ) async throws -> [Neighbour] {
        try await core.neighbours(entityID: id, relationshipType: type, direction: direction)
    }

    /// A shortest way from one entity to another, along relationships in whichever
    /// direction they point; `nil` if there is none of at most `maxDepth`.
    public func findPath(
        from start: RecordID, to end: RecordID, maxDepth: Int = 10
    ) async throws -> GraphPath? {
        try await core.findPath(fromID: start, toID: end, maxDepth: maxDepth.counted(as: "max_depth"))
    }

    /// The entities whose name or content has all the words of `query`, best
    /// first. The last word may be the beginning of one; case and accents make no
    /// difference. Works on every replica.
    public func search(
        _ query: String, types: [String]? = nil, limit: Int = 20
    ) async throws -> [SearchHit] {
        try await core.search(query: query, entityTypes: types, limit: limit.counted(as: "limit"))
    }
}
