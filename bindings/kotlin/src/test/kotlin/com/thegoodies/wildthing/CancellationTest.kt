// Cancelling: a coroutine that is cancelled leaves its call at once, whatever the
// hub does, and the client works on; a write is whole or was never made.

package com.thegoodies.wildthing

import java.nio.file.Path
import java.util.concurrent.atomic.AtomicInteger
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.seconds
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.CoroutineStart.UNDISPATCHED
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.TimeoutCancellationException
import kotlinx.coroutines.async
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.joinAll
import kotlinx.coroutines.launch
import kotlinx.coroutines.withContext
import kotlinx.coroutines.withTimeout
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir

class CancellationTest {
    @TempDir
    lateinit var folder: Path

    /** A client of a hub that never answers. */
    private fun hanging(tell: suspend (client: WildThingClient, gate: Gate) -> Unit) = story {
        Speech.V1.hub(folder).use { hub ->
            Gate(hub).use { gate ->
                client(folder, "hanging") { client ->
                    client.connect(gate.url, TOKEN)
                    tell(client, gate)
                }
            }
        }
    }

    private suspend fun WildThingClient.worksAgain(gate: Gate) {
        gate.open()
        createHouse(NewHouse("Cabin"))
        assertEquals(1uL, sync().pushed)
    }

    @Test
    fun `cancelling the only caller ends a sync that hangs`() = hanging { client, gate ->
        val sync = CoroutineScope(Dispatchers.Default).async { client.sync() }
        eventually("the hub holds the request") { gate.held() == 1 }
        sync.cancelAndJoin()
        fails<CancellationException> { sync.await() }
        eventually("the request is given up") { gate.held() == 0 }
        client.worksAgain(gate)
    }

    @Test
    fun `cancelling one of two callers leaves the sync to the other`() = hanging { client, gate ->
        val scope = CoroutineScope(Dispatchers.Default + SupervisorJob())
        val (first, second) = List(2) { scope.async(start = UNDISPATCHED) { client.sync() } }
        eventually("the hub holds the request") { gate.held() == 1 }
        first.cancelAndJoin()
        gate.open()
        assertEquals(0uL, second.await().syncedEntities)
    }

    @Test
    fun `a timeout is a timeout`() = hanging { client, gate ->
        fails<TimeoutCancellationException> { withTimeout(200.milliseconds) { client.sync() } }
        client.worksAgain(gate)
    }

    @Test
    fun `cancelSync ends the sync of whoever waits`() = hanging { client, gate ->
        val scope = CoroutineScope(Dispatchers.Default + SupervisorJob())
        val syncs = List(3) { scope.async { client.sync() } }
        eventually("the hub holds the request") { gate.held() == 1 }
        client.cancelSync()
        for (sync in syncs) {
            fails<WildThingException.Cancelled> { sync.await() }
        }
        client.worksAgain(gate)
    }

    @Test
    fun `waiting for too long is an error with fields`() = hanging { client, _ ->
        client.createHouse(NewHouse("Cabin"))
        val timeout = fails<WildThingException.Timeout> { client.waitUntilSynced(0.2.seconds) }
        assertTrue(timeout.waitedMs >= 200uL && timeout.pending == 1uL)
    }

    @Test
    fun `a pause ends a sync that hangs`() = hanging { client, gate ->
        val scope = CoroutineScope(Dispatchers.Default + SupervisorJob())
        val sync = scope.async { client.sync() }
        eventually("the hub holds the request") { gate.held() == 1 }
        client.pause()
        fails<WildThingException.Cancelled> { sync.await() }
        fails<WildThingException.Paused> { client.getHouses() }
        assertTrue(client.getSyncStatus().paused)
        client.resume()
        client.worksAgain(gate)
    }

    @Test
    fun `a client may be closed while a sync runs`() = story {
        Speech.V1.hub(folder).use { hub ->
            Gate(hub).use { gate ->
                val client = WildThingClient.open("${folder.resolve("closed.db")}")
                client.connect(gate.url, TOKEN)
                val scope = CoroutineScope(Dispatchers.Default + SupervisorJob())
                val sync = scope.async { client.sync() }
                eventually("the hub holds the request") { gate.held() == 1 }
                client.close()
                assertTrue(client.uniffiIsDestroyed)
                fails<IllegalStateException> { client.getHouses() }
                sync.cancelAndJoin()
                eventually("the library lets go of the request") { gate.held() == 0 }
            }
            client(folder, "closed", hub) { client -> client.sync() }
        }
    }

    @Test
    fun `shutdown ends a sync that runs`() = hanging { client, gate ->
        val scope = CoroutineScope(Dispatchers.Default + SupervisorJob())
        val sync = scope.async { client.sync() }
        eventually("the hub holds the request") { gate.held() == 1 }
        client.shutdown()
        fails<WildThingException.Cancelled> { sync.await() }
        fails<WildThingException.Cancelled> { client.getHouses() }
    }

    @Test
    fun `a cancelled write is whole or was never made`() = story {
        client(folder, "writes") { client ->
            val house = client.createHouse(NewHouse("Cabin"))
            val cancelled = AtomicInteger()
            // All on one thread, and this is on it: no call returns before half are cancelled.
            withContext(Dispatchers.Default.limitedParallelism(1)) {
                val writes = List(200) { n ->
                    launch(start = UNDISPATCHED) {
                        try {
                            client.createRoom(NewRoom(house.id, "Room $n"))
                        } catch (error: CancellationException) {
                            cancelled.incrementAndGet()
                            throw error
                        }
                    }
                }
                writes.filterIndexed { n, _ -> n % 2 == 0 }.forEach { it.cancel() }
                writes.joinAll()
            }
            assertTrue(cancelled.get() > 0)
            client.pause()
            client.resume()
            val rooms = client.getRooms(house.id)
            assertTrue(rooms.size in 200 - cancelled.get()..200)
            assertEquals(rooms.size + 1, client.pendingChanges().size)
        }
    }
}
