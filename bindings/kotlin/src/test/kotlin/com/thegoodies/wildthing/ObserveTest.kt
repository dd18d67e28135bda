// Both ways of observing: an observer that is called, and Flows that are
// collected; and that nothing is left in the library when they end.

package com.thegoodies.wildthing

import java.nio.file.Path
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.CoroutineStart.UNDISPATCHED
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.Job
import kotlinx.coroutines.async
import kotlinx.coroutines.cancel
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.channels.Channel
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.flow.launchIn
import kotlinx.coroutines.flow.onEach
import kotlinx.coroutines.flow.take
import kotlinx.coroutines.flow.toList
import kotlinx.coroutines.flow.transform
import kotlinx.coroutines.isActive
import kotlinx.coroutines.launch
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import org.junit.jupiter.params.ParameterizedTest
import org.junit.jupiter.params.provider.EnumSource

class ObserveTest {
    @TempDir
    lateinit var folder: Path

    @Test
    fun `an observer is called until it is cancelled`() = story {
        client(folder, "observer") { client ->
            val heard = Channel<ChangeBatch>(Channel.UNLIMITED)
            val thrown = Channel<ChangeBatch>(Channel.UNLIMITED)
            val hearing = client.observeChanges { heard.trySend(it) }
            val throwing = client.observeChanges {
                thrown.trySend(it)
                error("an observer that throws harms nobody")
            }
            val house = client.createHouse(NewHouse("Cabin"))
            val created = ChangeEvent.Created(Kind.House, house.id, Origin.LOCAL, "Cabin")
            assertEquals(ChangeBatch(listOf(created), 0uL), heard.receive())
            assertEquals("created", created.eventType())
            assertEquals(listOf(created), thrown.receive().events)
            assertTrue(hearing.isActive())
            hearing.cancel()
            assertFalse(hearing.isActive())
            client.updateHouse(house.id, HousePatch(name = "Hut"))
            assertTrue(thrown.receive().events.single() is ChangeEvent.Updated)
            throwing.close()
            assertTrue(throwing.uniffiIsDestroyed)
            assertTrue(heard.tryReceive().isFailure)
        }
    }

    @Test
    fun `changes are a flow`() = story {
        client(folder, "changes") { client ->
            val events = async(start = UNDISPATCHED) {
                client.changes.transform { batch -> batch.events.forEach { emit(it) } }.take(5).toList()
            }
            val (house, _, lamp) = client.home()
            client.updateDeviceState(lamp.id, json("""{"power": "on"}"""))
            client.deleteDevice(lamp.id)
            val heard = events.await()
            assertEquals(listOf("created", "created", "created", "state_changed", "deleted"), heard.map { it.eventType() })
            assertEquals(house.id, (heard[0] as ChangeEvent.Created).id)
            val state = heard[3] as ChangeEvent.StateChanged
            assertEquals(lamp.id to json("""{"power": "on"}"""), state.deviceId to state.state)
        }
    }

    @ParameterizedTest
    @EnumSource
    fun `live queries answer again when something changed`(speech: Speech) = story {
        speech.hub(folder).use { hub ->
            client(folder, "ann", hub) { ann ->
                client(folder, "ben", hub) { ben ->
                    ann.sync()
                    val (house, room, lamp) = ann.home()
                    ann.sync()
                    val seen = listOf(
                        async { ben.houses().until { it.isNotEmpty() }.single().name },
                        async { ben.rooms(house.id).until { it.isNotEmpty() }.single().name },
                        async { ben.devices(room.id).until { it.isNotEmpty() }.single().name },
                        async { ben.deviceState(lamp.id).until { it != null }!!.state["power"].text() },
                    )
                    ben.sync()
                    ann.updateDeviceState(lamp.id, json("""{"power": "on"}"""))
                    ann.sync()
                    ben.sync()
                    assertEquals(listOf("Cabin", "Hall", "Lamp"), seen.take(3).map { it.await() })
                    seen[3].await()
                    assertEquals("on", ben.deviceState(lamp.id).until { it?.state?.get("power") != null }!!.state["power"].text())
                    val gone = async(start = UNDISPATCHED) { ben.deviceState(lamp.id).until { it == null } }
                    ben.deleteDevice(lamp.id)
                    assertEquals(null, gone.await())
                }
            }
        }
    }

    @Test
    fun `status is state`() = story {
        Speech.V1.hub(folder).use { hub ->
            client(folder, "status", hub) { client ->
                val scope = CoroutineScope(coroutineContext + Job())
                val status = client.statusIn(scope)
                assertEquals(Connection.UNKNOWN, status.value.connection)
                client.sync()
                assertEquals(hub.url, status.until { it.connection == Connection.ONLINE }.serverUrl)
                client.createHouse(NewHouse("Cabin"))
                status.until { it.pending == 1uL }
                client.pause()
                assertTrue(status.until { it.paused }.paused)
                client.resume()
                status.until { !it.paused }
                scope.cancel()
                assertEquals(1uL, client.status().first().pending)
            }
        }
    }

    @Test
    fun `status of a client that has ended is an error of the caller's alone`() = story {
        val client = WildThingClient.open("${folder.resolve("ended.db")}")
        client.shutdown()
        val scope = CoroutineScope(Dispatchers.Default + Job())
        fails<WildThingException.Cancelled> { client.statusIn(scope) }
        assertTrue(scope.isActive)
        scope.cancel()
        client.close()
    }

    @Test
    fun `cancelling a scope frees its subscriptions`() = story {
        client(folder, "scope") { client ->
            val (_, room, lamp) = client.home()
            Listening.begin()
            // One at a time, so that the log tells in order.
            val scope = CoroutineScope(Dispatchers.Default.limitedParallelism(1))
            val answered = Channel<Unit>(Channel.UNLIMITED)
            repeat(20) {
                client.devices(room.id).onEach { answered.send(Unit) }.launchIn(scope)
                client.deviceState(lamp.id).onEach { answered.send(Unit) }.launchIn(scope)
                client.houses().onEach { answered.send(Unit) }.launchIn(scope)
                client.rooms().onEach { answered.send(Unit) }.launchIn(scope)
                client.changes.launchIn(scope)
            }
            repeat(80) { answered.receive() }
            eventually("100 listen") { Listening.count() == 100 }
            scope.coroutineContext[Job]!!.cancelAndJoin()
            eventually("nobody listens") { Listening.count() == 0 }
        }
    }

    @Test
    fun `a flow that ends early, fails or is cancelled leaves no subscription`() = story {
        client(folder, "early") { client ->
            Listening.begin()
            client.devices().first()
            fails<IllegalStateException> { client.devices().collect { error("enough") } }
            val job = launch(start = UNDISPATCHED) { client.changes.collect {} }
            eventually("one listens") { Listening.count() == 1 }
            job.cancelAndJoin()
            eventually("nobody listens") { Listening.count() == 0 }
            assertEquals("id", fails<WildThingException.Invalid> { client.devices("").collect {} }.field)
        }
    }

    @Test
    fun `flows end when their client does`() = story {
        val client = WildThingClient.open("${folder.resolve("ends.db")}")
        coroutineScope {
            val answered = Channel<Unit>(Channel.UNLIMITED)
            launch { client.devices().collect { answered.send(Unit) } }
            launch { client.status().collect { answered.send(Unit) } }
            launch(start = UNDISPATCHED) { client.changes.collect {} }
            repeat(2) { answered.receive() }
            client.shutdown()
        }
        client.close()
    }
}
