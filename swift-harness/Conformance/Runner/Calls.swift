// Every call that a scenario can name, made by the public API.
import WildThing

/// Makes the call and gives its answer. What it throws is for whoever wrote the scenario.
func call(_ client: WildThingClient, _ word: String, _ given: JSONObject) async throws -> JSONObject {
    var args = Arguments(given)
    do {
        let found = try await made(client, word, &args)
        try args.end()
        return ["ok": try shown(found) ?? nil]
    } catch let error as WildThingError {
        return ["error": .object(try shown(error: error))]
    } catch {
        throw Problem("\(word): \(error)")
    }
}

private func made(_ client: WildThingClient, _ word: String, _ args: inout Arguments) async throws -> Any {
    switch word {
    // The server, and the life of a client.
    case "connect":
        try await client.connect(
            to: args.need("server_url"), token: args.may("auth_token"),
            options: args.may("options") ?? ConnectOptions())
    case "disconnect": try await client.disconnect()
    case "probe": try await client.probe()
    case "client_id": return try await client.clientID
    case "set_auth_token": try client.setToken(args.may("token"))
    case "salvaged": return client.salvaged as Any
    case "pause": try await client.pause()
    case "resume": try await client.resume()
    case "shutdown": await client.shutdown()

    // Syncing.
    case "sync": return try await client.sync()
    case "cancel_sync": client.cancelSync()
    case "wait_until_synced": return try await client.waitUntilSynced(timeout: args.need("timeout"))
    case "start_background_sync": try await client.startBackgroundSync(every: args.need("interval"))
    case "stop_background_sync": await client.stopBackgroundSync()
    case "network_available": client.networkDidBecomeAvailable()
    case "get_sync_status": return try await client.fetchStatus()

    // Reading.
    case "get_houses": return try await client.fetchHouses()
    case "get_house": return try await client.fetchHouse(args.may("house_id"))
    case "get_rooms": return try await client.fetchRooms(in: args.may("house_id"))
    case "get_room": return try await client.fetchRoom(args.need("room_id"))
    case "get_devices": return try await client.fetchDevices(in: args.may("room_id"))
    case "get_device": return try await client.fetchDevice(args.need("device_id"))
    case "get_users": return try await client.fetchUsers(in: args.may("house_id"))
    case "get_user": return try await client.fetchUser(args.need("user_id"))
    case "get_device_state": return try await client.fetchState(of: args.need("device_id"))
    case "get_device_history":
        return try await client.fetchStateHistory(of: args.need("device_id"), limit: args.need("limit"))
    case "get_events":
        return try await client.fetchEvents(about: args.may("entity_id"), limit: args.need("limit"))

    // Editing.
    case "create_house": return try await client.createHouse(args.need("house"))
    case "create_room": return try await client.createRoom(args.need("room"))
    case "create_device": return try await client.createDevice(args.need("device"))
    case "create_user": return try await client.createUser(args.need("user"))
    case "update_house": return try await client.updateHouse(args.need("house_id"), with: args.need("patch"))
    case "update_room": return try await client.updateRoom(args.need("room_id"), with: args.need("patch"))
    case "update_device": return try await client.updateDevice(args.need("device_id"), with: args.need("patch"))
    case "update_user": return try await client.updateUser(args.need("user_id"), with: args.need("patch"))
    case "delete_house": try await client.deleteHouse(args.need("house_id"))
    case "delete_room": try await client.deleteRoom(args.need("room_id"))
    case "delete_device": try await client.deleteDevice(args.need("device_id"))
    case "delete_user": try await client.deleteUser(args.need("user_id"))
    case "log_event": return try await client.logEvent(args.need("event"))
    case "update_device_state":
        let device: RecordID = try args.need("device_id")
        if try args.may("replace") ?? false {
            return try await client.replaceState(
                of: device, with: args.need("state"), attributes: args.may("attributes"))
        }
        return try await client.updateState(
            of: device, merging: args.need("state"), attributes: args.may("attributes"))

    default: return try await madeOfGraphOrCare(client, word, &args)
    }
    return ()
}

private func madeOfGraphOrCare(
    _ client: WildThingClient, _ word: String, _ args: inout Arguments
) async throws -> Any {
    switch word {
    // The graph.
    case "get_entities": return try await client.fetchEntities(ofType: args.may("entity_type"))
    case "get_entity":
        return try await client.fetchEntity(args.need("entity_id"), ofType: args.may("entity_type"))
    case "create_entity": return try await client.createEntity(args.need("entity"))
    case "update_entity": return try await client.updateEntity(args.need("entity_id"), with: args.need("patch"))
    case "delete_entity": try await client.deleteEntity(args.need("entity_id"))
    case "get_relationships":
        return try await client.fetchRelationships(matching: args.may("filter") ?? RelationshipFilter())
    case "connect_entities":
        return try await client.connectEntities(
            from: args.need("from_id"), to: args.need("to_id"), as: args.need("relationship_type"),
            properties: args.may("properties"))
    case "disconnect_entities": try await client.disconnectEntities(args.need("relationship_id"))
    case "neighbours":
        return try await client.fetchNeighbours(
            of: args.need("entity_id"), along: args.may("relationship_type"), direction: args.may("direction"))
    case "find_path":
        let (from, to): (RecordID, RecordID) = (try args.need("from_id"), try args.need("to_id"))
        if let depth: Int = try args.may("max_depth") {
            return try await client.findPath(from: from, to: to, maxDepth: depth) as Any
        }
        return try await client.findPath(from: from, to: to) as Any
    case "search":
        return try await client.search(
            args.need("query"), types: args.may("entity_types"), limit: args.need("limit"))

    // What became of edits.
    case "pending_changes": return try await client.fetchPendingChanges()
    case "explain": return try await client.explain(args.need("kind"), args.need("id"))
    case "conflicts": return try await client.fetchConflicts()
    case "restore": return try await client.restore(args.need("conflict_id"))
    case "dismiss": try await client.dismiss(args.need("conflict_id"))
    case "history": return try await client.fetchHistory(of: args.need("kind"), args.need("id"))
    case "retry_failed":
        guard let kind: Kind = try args.may("kind") else { return try await client.retryFailed() }
        return try await client.retryFailed(kind, args.need("id"))
    case "discard": try await client.discard(args.need("kind"), args.need("id"))
    case "reset": try await client.reset(discardingUnsentEdits: args.may("force") ?? false)
    case "digests": return try await client.fetchDigests()
    default: throw Problem("there is no such call")
    }
    return ()
}
