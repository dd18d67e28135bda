// Several at once: two clients on one file, a hub that dies and comes back, many
// calls and many coroutines.

package com.thegoodies.wildthing

import java.nio.file.Path
import java.util.concurrent.atomic.AtomicInteger
import kotlin.time.Duration.Companion.seconds
import kotlinx.coroutines.CoroutineStart.UNDISPATCHED
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitAll
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.delay
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.launch
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir

class TogetherTest {
    @TempDir
    lateinit var folder: Path

    @Test
    fun `a hub dies and comes back`() = story {
        Speech.V1.hub(folder).use { hub ->
            client(folder, "ann", hub) { ann ->
                client(folder, "ben", hub) { ben ->
                    ann.startBackgroundSync(1.seconds)
                    ann.status().until { it.connection == Connection.ONLINE }
                    hub.kill()
                    val house = ann.createHouse(NewHouse("Cabin"))
                    ann.status().until { it.connection == Connection.OFFLINE }
                    assertTrue(ann.getSyncStatus().background && ann.getSyncStatus().pending == 1uL)
                    fails<WildThingException.Offline> { ben.sync() }
                    hub.start()
                    ann.networkAvailable()
                    ann.status().until { it.pending == 0uL }
                    ann.stopBackgroundSync()
                    assertTrue(!ann.getSyncStatus().background)
                    ben.sync()
                    assertEquals(house.id, ben.getHouse().id)
                }
            }
        }
    }

    @Test
    fun `two clients on one file`() = story {
        Speech.V1.hub(folder).use { hub ->
            client(folder, "shared", hub) { app ->
                client(folder, "shared") { extension ->
                    val heard = async(start = UNDISPATCHED) {
                        app.changes.first { batch -> batch.events.any { it is ChangeEvent.Created } }
                    }
                    val house = extension.createHouse(NewHouse("Cabin"))
                    heard.await()
                    assertEquals(house, app.getHouse())
                    app.createRoom(NewRoom(house.id, "Hall"))
                    extension.connect(hub.url, TOKEN)
                    coroutineScope {
                        launch { app.sync() }
                        launch { extension.sync() }
                    }
                    assertEquals(0uL, app.getSyncStatus().pending)
                    assertEquals(app.clientId(), extension.clientId())
                    assertEquals(app.digests(), extension.digests())
                }
            }
        }
    }

    @Test
    fun `a paused client lets others have the file`() = story {
        client(folder, "paused") { app ->
            app.home()
            app.pause()
            client(folder, "paused") { extension -> extension.createHouse(NewHouse("Hut")) }
            app.resume()
            assertEquals(listOf("Cabin", "Hut"), app.getHouses().map { it.name })
        }
    }

    /** Ending a client ends its threads, which must not take the program with them. */
    @Test
    fun `many clients come and go`() = story {
        List(8) { n ->
            async {
                repeat(40) {
                    WildThingClient.open(folder.resolve("$n.db")).use { it.getHouses() }
                    fails<WildThingException.Storage> { WildThingClient.open(folder) }
                }
            }
        }.awaitAll()
    }

    @Test
    fun `a hundred calls at once`() = story {
        client(folder, "calls") { client ->
            val (_, room, _) = client.home()
            val made = List(100) { n -> async { client.createDevice(NewDevice(room.id, "Device $n")).id } }.awaitAll()
            assertEquals(100, made.toSet().size)
            val read = made.map { id -> async { client.getDevice(id).name } }.awaitAll()
            assertEquals(List(100) { "Device $it" }, read)
        }
    }

    @Test
    fun `a thousand coroutines finish`() = story {
        client(folder, "coroutines") { client ->
            val (_, _, lamp) = client.home()
            val finished = AtomicInteger()
            coroutineScope {
                repeat(1_000) { n ->
                    launch {
                        when (n % 4) {
                            0 -> client.getDevices()
                            1 -> client.deviceState(lamp.id).first()
                            2 -> client.updateDeviceState(lamp.id, json("""{"n": $n}"""))
                            else -> delay(1)
                        }
                        finished.incrementAndGet()
                    }
                }
            }
            assertEquals(1_000, finished.get())
        }
    }
}
