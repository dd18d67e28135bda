// Arguments that cannot cross to the library: an error of the client's each, and
// nothing is left behind that would keep a closed client alive.

package com.thegoodies.wildthing

import java.nio.file.Path
import kotlin.io.path.div
import kotlin.io.path.exists
import kotlin.io.path.notExists
import kotlin.time.Duration.Companion.seconds
import kotlinx.serialization.json.buildJsonObject
import kotlinx.serialization.json.put
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Assumptions.assumeTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir

class ArgumentsTest {
    @TempDir
    lateinit var folder: Path

    /** A call that is refused for one of its arguments, and then the end of the client. */
    private fun refused(field: String, call: suspend (client: WildThingClient, lamp: Device) -> Unit) = story {
        val client = WildThingClient.open(folder / "refused.db")
        val lamp = client.home().lamp
        val log = folder / "refused.db-wal"
        assertTrue(log.exists())
        assertEquals(field, fails<WildThingException.Invalid> { call(client, lamp) }.field)
        client.close()
        eventually("the client ends, and the database's log with it") { log.notExists() }
    }

    @Test
    fun `a number that is none`() = refused("json") { client, lamp ->
        client.updateDeviceState(lamp.id, buildJsonObject { put("level", Double.NaN) })
    }

    @Test
    fun `half a character`() = refused("deviceId") { client, _ -> client.getDevice(HALF) }

    @Test
    fun `half a character in a record`() = refused("room") { client, lamp ->
        client.createRoom(NewRoom(lamp.roomId!!, HALF))
    }

    @Test
    fun `half a character in a call that does not suspend`() = refused("token") { client, _ -> client.setAuthToken(HALF) }

    @Test
    fun `a duration below zero`() = refused("interval") { client, _ -> client.startBackgroundSync((-1).seconds) }

    @Test
    fun `half a character where there is no client yet`() = story {
        assertEquals("path", fails<WildThingException.Invalid> { WildThingClient.open(HALF) }.field)
    }

    @Test
    fun `what was lowered before the refused argument is freed`() = story {
        assumeTrue(NativeMemory.isCounted)
        client(folder, "freed") { client ->
            val long = "x".repeat(8_000_000)
            val none = buildJsonObject { put("level", Double.NaN) }
            val before = NativeMemory.inUse()
            repeat(40) {
                fails<WildThingException.Invalid> { client.updateDeviceState(long, none) }
                fails<WildThingException.Invalid> { client.connect(long, HALF) }
            }
            // 80 of them would have stayed.
            assertTrue(NativeMemory.inUse() - before < 10 * long.length)
        }
    }

    private companion object {
        const val HALF = "\uD83D"
    }
}
