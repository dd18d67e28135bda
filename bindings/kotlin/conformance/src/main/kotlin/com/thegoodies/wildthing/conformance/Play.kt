// Plays one scenario: does what the stage orders, and says what came of it.

package com.thegoodies.wildthing.conformance

import com.thegoodies.wildthing.ChangeBatch
import com.thegoodies.wildthing.ChangeEvent
import com.thegoodies.wildthing.ConformanceStage
import com.thegoodies.wildthing.OpenOptions
import com.thegoodies.wildthing.WildThingClient
import com.thegoodies.wildthing.WildThingException
import com.thegoodies.wildthing.changes
import com.thegoodies.wildthing.open
import java.nio.file.Path
import kotlin.io.path.Path
import kotlin.time.Duration.Companion.minutes
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Deferred
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.async
import kotlinx.coroutines.cancel
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.channels.Channel
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.buildJsonObject
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.put

/** What became of a scenario; [problem] is why it ended early. */
internal class Played(private val transcript: String, val problem: String?) {
    val text: String
        get() = transcript + problem?.let { "${buildJsonObject { put("failed", it) }}\n" }.orEmpty()
}

/** Plays a scenario's file, with what it needs in [folder]. */
internal fun play(scenario: Path, folder: Path): Played {
    val stage = try {
        ConformanceStage("$scenario", "$folder")
    } catch (error: Exception) {
        return Played("", "$error")
    }
    return stage.use {
        Player().use { player ->
            val problem = try {
                player.play(stage)
                null
            } catch (error: Exception) {
                "$error"
            }
            Played(stage.transcript(), problem)
        }
    }
}

private class Player : AutoCloseable {
    private val clients = HashMap<String, Opened>()
    private val started = HashMap<String, Deferred<JsonObject>>()
    private val scope = CoroutineScope(SupervisorJob() + Dispatchers.Default)

    /** The stage blocks this thread, on which nothing else runs meanwhile. */
    fun play(stage: ConformanceStage) {
        while (true) {
            val order = stage.nextOrder() ?: break
            val answer = runBlocking { obey(Json.parseToJsonElement(order).jsonObject) }
            stage.done("$answer")
        }
    }

    private suspend fun obey(order: JsonObject): JsonObject =
        when (val word = order.text("order")) {
            "open" -> open(order)
            "call" -> call(order)
            "start" -> {
                started[order.text("task")] = scope.async { call(order) }
                ok(null)
            }
            "join" -> checkNotNull(started.remove(order.text("task"))) { "nothing was started so" }.await()
            "events" -> ok(client(order).events(order.number("count")))
            "let_go" -> {
                clients.remove(order.text("client"))?.letGo()
                ok(null)
            }
            else -> error("an order of another stage: $word")
        }

    private suspend fun open(order: JsonObject): JsonObject =
        answered {
            val options = read<OpenOptions>(order["options"])
            val client = WildThingClient.open(Path(order.text("path")), options)
            clients[order.text("client")] = Opened(client, scope)
        }

    private suspend fun call(order: JsonObject): JsonObject {
        val client = client(order).client
        val arguments = order["args"]?.jsonObject ?: JsonObject(emptyMap())
        return answered { client.called(order.text("call"), arguments) }
    }

    private fun client(order: JsonObject): Opened {
        val name = order.text("client")
        return checkNotNull(clients[name]) { "$name is not open" }
    }

    override fun close() {
        runBlocking { clients.values.forEach { it.letGo() } }
        scope.cancel()
    }
}

/** A client, and what it tells. */
private class Opened(val client: WildThingClient, scope: CoroutineScope) {
    private val batches = Channel<ChangeBatch>()
    private val untaken = ArrayDeque<ChangeEvent>()

    // Undispatched: it has subscribed before the client is used.
    private val following = scope.launch(start = CoroutineStart.UNDISPATCHED) {
        try {
            client.changes.collect(batches::send)
        } finally {
            batches.close()
        }
    }

    /** So many events: one that does not come is a difference, and no reason to hang. */
    suspend fun events(count: Int): List<ChangeEvent> = withTimeout(1.minutes) { List(count) { next() } }

    private suspend fun next(): ChangeEvent {
        while (untaken.isEmpty()) {
            val batch = batches.receive()
            check(batch.missed == 0uL) { "${batch.missed} events were missed" }
            untaken += batch.events
        }
        return untaken.removeFirst()
    }

    suspend fun letGo() {
        following.cancelAndJoin()
        client.close()
    }
}

private suspend fun answered(call: suspend () -> Any?): JsonObject =
    try {
        ok(call())
    } catch (error: WildThingException) {
        JsonObject(mapOf("error" to shown(error)))
    }

private fun ok(value: Any?) = JsonObject(mapOf("ok" to shown(value)))
