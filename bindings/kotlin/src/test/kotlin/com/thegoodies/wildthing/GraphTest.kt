// Entities and relationships: built, walked and searched, offline, and synced with
// a hub that speaks v2.

package com.thegoodies.wildthing

import java.nio.file.Path
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertNotEquals
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir

class GraphTest {
    @TempDir
    lateinit var folder: Path

    @Test
    fun `a graph is built, walked and searched`() = story {
        client(folder, "graph") { client ->
            client.connect("http://127.0.0.1:9", options = ConnectOptions(protocol = SyncProtocol.V2))
            val (house, room, lamp) = client.home()
            val note = client.createEntity(NewEntity("note", "How to", json("""{"text": "Turn the knob", "page": 2}""")))
            assertEquals(Kind.Other("note") to "manual", note.kind to note.sourceType)
            val changed = client.updateEntity(note.id, EntityPatch(content = json("""{"page": null, "lines": [1]}""")))
            assertEquals(json("""{"text": "Turn the knob", "lines": [1]}"""), changed.content)
            assertNotEquals(note.version, changed.version)
            assertEquals(changed, client.getEntity(note.id))
            assertEquals(listOf("Lamp"), client.getEntities("device").map { it.name })

            val edge = client.connectEntities(lamp.id, note.id, "documented_by", json("""{"why": "new"}"""))
            assertEquals(lamp.id to note.id, edge.fromId to edge.toId)
            val ofLamp = client.getRelationships(RelationshipFilter(fromId = lamp.id))
            assertEquals(setOf("located_in", "documented_by"), ofLamp.map { it.relationshipType }.toSet())
            val near = client.neighbours(lamp.id, direction = EdgeDirection.OUTGOING)
            assertEquals(setOf(room.id, note.id), near.map { it.entity.id }.toSet())

            val path = client.findPath(note.id, house.id)!!
            assertEquals(listOf("How to", "Lamp", "Hall", "Cabin"), path.entities.map { it.name })
            assertEquals(3, path.relationships.size)
            assertNull(client.findPath(note.id, house.id, maxDepth = 2u))

            val hit = client.search("turn kno").single()
            assertTrue(hit.entity.id == note.id && "knob" in hit.snippet && hit.score > 0)
            assertEquals(emptyList<SearchHit>(), client.search("turn kno", listOf("device")))
            assertEquals(1, client.search("lamp", limit = 1u).size)

            client.disconnectEntities(edge.id)
            assertNull(client.findPath(note.id, house.id))
            client.deleteEntity(note.id)
            assertEquals(emptyList<SearchHit>(), client.search("knob"))
        }
    }

    @Test
    fun `a graph reaches another client`() = story {
        Speech.V2.hub(folder).use { hub ->
            client(folder, "ann", hub) { ann ->
                client(folder, "ben", hub) { ben ->
                    ann.sync()
                    val (_, _, lamp) = ann.home()
                    val note = ann.createEntity(NewEntity("note", "Bulbs", json("""{"text": "E27, warm"}""")))
                    ann.connectEntities(lamp.id, note.id, "documented_by")
                    ann.sync()
                    ben.sync()
                    assertEquals(listOf("Bulbs"), ben.search("warm").map { it.entity.name })
                    assertEquals(listOf("documented_by"), ben.neighbours(note.id).map { it.relationship.relationshipType })
                    assertEquals(ann.digests(), ben.digests())
                }
            }
        }
    }
}
