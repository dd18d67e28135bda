// How tests run and wait: in a coroutine with a deadline that no healthy run comes
// near, on conditions, never on time.

package com.thegoodies.wildthing

import java.nio.file.Path
import kotlin.io.path.div
import kotlin.time.Duration.Companion.seconds
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.delay
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.jsonPrimitive

/** Nothing here takes a second; this long means that it never comes. */
val PATIENCE = 60.seconds

fun story(tell: suspend CoroutineScope.() -> Unit) = runBlocking(Dispatchers.Default) { withTimeout(PATIENCE, tell) }

/** Waits until something holds. */
suspend fun eventually(what: String, holds: suspend () -> Boolean) {
    val deadline = System.nanoTime() + PATIENCE.inWholeNanoseconds / 2
    while (!holds()) {
        check(System.nanoTime() < deadline) { "never: $what" }
        delay(5)
    }
}

/** The first answer that fits. */
suspend fun <T> Flow<T>.until(fits: (T) -> Boolean): T = first { fits(it) }

/** The error of a class that a call fails with. */
suspend inline fun <reified E : Throwable> fails(call: suspend () -> Unit): E {
    try {
        call()
    } catch (error: Throwable) {
        return error as? E ?: throw AssertionError("not ${E::class.simpleName}", error)
    }
    throw AssertionError("${E::class.simpleName} was not thrown")
}

/** A client on a database of its own, which is shut down afterwards. */
suspend fun <R> client(folder: Path, name: String, hub: Hub? = null, use: suspend (WildThingClient) -> R): R {
    val client = WildThingClient.open(folder / "$name.db")
    try {
        hub?.let { client.connect(it.url, TOKEN) }
        return use(client)
    } finally {
        client.shutdown()
        client.close()
    }
}

/** A house with a room and a device in it. */
data class Home(val house: House, val room: Room, val lamp: Device)

suspend fun WildThingClient.home(): Home {
    val house = createHouse(NewHouse("Cabin"))
    val room = createRoom(NewRoom(house.id, "Hall"))
    return Home(house, room, createDevice(NewDevice(room.id, "Lamp", DeviceType.Light)))
}

fun json(text: String): JsonObject = Json.parseToJsonElement(text).jsonObject

fun JsonElement?.text(): String? = this?.jsonPrimitive?.content
