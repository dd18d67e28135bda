// What the documentation shows of conflicts.
import Foundation
import WildThing

func words(for device: Device) -> String? {
    switch device.freshness {
    case .synced: nil
    case .pending(let since, _): "waits to be sent since \(since?.formatted() ?? "a while")"
    case .failed(_, let reason): "was refused: \(reason)"
    case .superseded(_, let conflictID, _): "lost to another edit, see conflict \(conflictID)"
    }
}

func conflicts(_ client: WildThingClient, wantsBack: (JSONObject) async -> Bool) async throws {
    for conflict in try await client.sync().conflicts where conflict.loser == .local {
        print("Your edit of \(conflict.recordID) lost (\(conflict.reason))")
    }

    for conflict in try await client.fetchConflicts() {
        if await wantsBack(conflict.losing) {
            try await client.restore(conflict.id)
        } else {
            try await client.dismiss(conflict.id)
        }
    }

    for change in try await client.fetchPendingChanges() where change.state == .failed {
        print(change.name ?? change.recordID, change.lastError ?? "")
        try await client.discard(change.kind, change.recordID)
    }
}
