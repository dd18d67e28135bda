// Two clients and a hub, with either protocol: edits cross, offline edits too, and
// of two that did not know of each other one wins and the other is kept.

package com.thegoodies.wildthing

import java.nio.file.Path
import java.time.Duration
import kotlin.time.Duration.Companion.seconds
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertNotEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.io.TempDir
import org.junit.jupiter.params.ParameterizedTest
import org.junit.jupiter.params.provider.EnumSource

class SyncTest {
    @TempDir
    lateinit var folder: Path

    /** Ann and Ben, who have both synced Ann's home. */
    private fun together(speech: Speech, tell: suspend (ann: WildThingClient, ben: WildThingClient, home: Home) -> Unit) =
        story {
            speech.hub(folder).use { hub ->
                client(folder, "ann", hub) { ann ->
                    client(folder, "ben", hub) { ben ->
                        ann.probe()
                        ann.sync()
                        val home = ann.home()
                        ann.sync()
                        ben.sync()
                        tell(ann, ben, home)
                    }
                }
            }
        }

    @ParameterizedTest
    @EnumSource
    fun `an edit crosses over`(speech: Speech) = together(speech) { ann, ben, home ->
        assertNotEquals(ann.clientId(), ben.clientId())
        assertEquals("Lamp", ben.getDevice(home.lamp.id).name)
        ann.updateDeviceState(home.lamp.id, json("""{"power": "on"}"""))
        val sent = ann.sync()
        assertEquals(sent.syncedEntities, sent.pulled + sent.pushed)
        assertTrue(sent.pushed > 0uL && sent.duration > Duration.ZERO && sent.errors.isEmpty())
        assertTrue(ben.waitUntilSynced(30.seconds).pulled > 0uL)
        assertEquals(json("""{"power": "on"}"""), ben.getDeviceState(home.lamp.id).state)
        assertTrue(ben.getDevice(home.lamp.id).freshness is Freshness.Synced)
        val status = ann.getSyncStatus()
        assertEquals(0uL to Connection.ONLINE, status.pending to status.connection)
        assertEquals(speech.protocol to 1uL, status.protocol to status.counts["house"])
    }

    @ParameterizedTest
    @EnumSource
    fun `edits made offline are sent later`(speech: Speech) = together(speech) { ann, ben, home ->
        val server = ann.getSyncStatus().serverUrl
        ann.disconnect()
        val attic = ann.createRoom(NewRoom(home.house.id, "Attic"))
        ann.updateRoom(home.room.id, RoomPatch(name = "Hallway"))
        assertTrue(ann.getRoom(attic.id).freshness is Freshness.Pending)
        assertTrue(ann.pendingChanges().isNotEmpty())
        ann.connect(server!!, TOKEN)
        assertTrue(ann.sync().pushed >= 2uL)
        assertEquals(emptyList<PendingChange>(), ann.pendingChanges())
        ben.sync()
        assertEquals(listOf("Attic", "Hallway"), ben.getRooms(home.house.id).map { it.name })
    }

    @ParameterizedTest
    @EnumSource
    fun `of two edits one wins and the other can be restored`(speech: Speech) = together(speech) { ann, ben, home ->
        ann.updateDevice(home.lamp.id, DevicePatch(name = "Ann's"))
        ben.updateDevice(home.lamp.id, DevicePatch(name = "Ben's"))
        ben.sync()
        ann.sync()
        ben.sync()
        ann.sync()
        assertEquals(ann.digests(), ben.digests())
        val shown = ann.getDevice(home.lamp.id).name
        val lost = setOf("Ann's", "Ben's").minus(shown).single()
        val clients = listOf(ann, ben)
        val keepers = clients.filter { client -> client.conflicts().any { it.losing["name"].text() == lost } }
        assertTrue(keepers.isNotEmpty(), "$lost is in no journal")
        val keeper = keepers.first()
        keeper.restore(keeper.conflicts().first { it.losing["name"].text() == lost }.conflictId)
        keeper.sync()
        clients.forEach { it.sync() }
        assertEquals(listOf(lost, lost), clients.map { it.getDevice(home.lamp.id).name })
    }

    @ParameterizedTest
    @EnumSource
    fun `a delete wins over an update, which is kept`(speech: Speech) = together(speech) { ann, ben, home ->
        ann.deleteDevice(home.lamp.id)
        ben.updateDevice(home.lamp.id, DevicePatch(name = "Still needed"))
        ann.sync()
        ben.sync()
        ann.sync()
        for (client in listOf(ann, ben)) {
            fails<WildThingException.NotFound> { client.getDevice(home.lamp.id) }
        }
        val lost = ben.conflicts().single { it.losing["name"].text() == "Still needed" }
        assertEquals(Loser.LOCAL to Kind.Device, lost.loser to lost.kind)
        ben.restore(lost.conflictId)
        ben.sync()
        ann.sync()
        assertEquals("Still needed", ann.getDevice(home.lamp.id).name)
    }

    @ParameterizedTest
    @EnumSource
    fun `a thousand devices`(speech: Speech) = together(speech) { ann, ben, home ->
        repeat(999) { ann.createDevice(NewDevice(home.room.id, "Device $it")) }
        ann.sync()
        ben.sync()
        assertEquals(1_000, ben.getDevices(home.room.id).size)
        assertEquals(ann.digests(), ben.digests())
    }
}
