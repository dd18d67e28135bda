// The same edits make the same messages as in Rust, byte for byte: see
// `tests/same_wire.rs`, whose edits these are.

package com.thegoodies.wildthing

import com.sun.net.httpserver.HttpExchange
import com.sun.net.httpserver.HttpServer
import java.net.InetAddress
import java.net.InetSocketAddress
import java.nio.file.Path
import java.util.concurrent.TimeUnit
import kotlin.io.path.Path
import kotlin.io.path.div
import kotlin.io.path.readLines
import kotlin.io.path.writeText
import kotlinx.coroutines.runBlocking
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonArray
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonNull
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.addJsonObject
import kotlinx.serialization.json.buildJsonArray
import kotlinx.serialization.json.buildJsonObject
import kotlinx.serialization.json.jsonArray
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.put
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir

class SameWireTest {
    @TempDir
    lateinit var folder: Path

    /** In a process of its own: only an engine for tests can fix ids and times. */
    @Test
    fun `the messages are those of every language`() {
        val java = Path(System.getProperty("java.home"), "bin", "java")
        val classes = System.getProperty("surefire.test.class.path") ?: System.getProperty("java.class.path")
        val engine = checkNotNull(System.getProperty("wildthing.testing")) { "run me with `cargo xtask kotlin`" }
        val process = ProcessBuilder(
            "$java", "-Duniffi.component.wildthing.libraryOverride=$engine", "-cp", classes, Wire::class.java.name, "$folder",
        ).redirectErrorStream(true).start()
        val said = process.inputStream.bufferedReader().readText()
        check(process.waitFor(60, TimeUnit.SECONDS)) { "it does not end" }
        assertEquals("" to 0, said to process.exitValue())

        val sent = Wire.messages(folder).readLines()
        val expected = Path("../../tests/data/same-wire-v1.txt").readLines()
        assertEquals(expected.size, sent.size)
        expected.zip(sent).forEach { (expected, sent) -> assertEquals(expected, sent) }
    }
}

/** Makes the edits, and writes down what a server gets of them. */
object Wire {
    fun messages(folder: Path): Path = folder / "messages.txt"

    @JvmStatic
    fun main(arguments: Array<String>) = runBlocking {
        val folder = Path(arguments[0])
        val sent = StringBuffer()
        val server = HttpServer.create(InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0)
        server.createContext("/") { exchange -> take(exchange, sent) }
        server.start()
        // The name by which an engine for tests fixes ids and times.
        client(folder, "fixed-seam") { edit(it, "http://127.0.0.1:${server.address.port}") }
        server.stop(0)
        messages(folder).writeText("$sent")
    }

    /** Takes everything. */
    private fun take(exchange: HttpExchange, sent: StringBuffer) {
        val path = exchange.requestURI.path
        val body = exchange.requestBody.readAllBytes().decodeToString()
        sent.append("$path $body\n")
        val answer = "${answer(path, body)}".toByteArray()
        exchange.responseHeaders["Content-Type"] = "application/json"
        exchange.sendResponseHeaders(200, answer.size.toLong())
        exchange.responseBody.use { it.write(answer) }
    }

    private fun answer(path: String, body: String): JsonObject =
        when (path.substringAfterLast('/')) {
            "push" -> buildJsonObject {
                put("type", "sync_result")
                put("applied", taken(Json.parseToJsonElement(body).jsonObject))
                put("conflicts", JsonArray(emptyList()))
                put("server_time", "2026-01-01T00:00:00.000002")
            }
            "ack" -> json(
                """{"type": "sync_ack_response", "status": "acknowledged", "server_time": "2026-01-01T00:00:00.000003"}""",
            )
            else -> json(
                """{"type": "sync_delta", "server_time": "2026-01-01T00:00:00.000001",
                    "changes": [], "conflicts": [], "more": false}""",
            )
        }

    private fun taken(push: JsonObject) = buildJsonArray {
        for (change in push.getValue("changes").jsonArray.map(JsonElement::jsonObject)) {
            addJsonObject {
                put("client_sync_id", change.getValue("client_sync_id"))
                put("server_sync_id", change["data"]?.jsonObject?.get("sync_id") ?: JsonNull)
                put("status", "applied")
            }
        }
    }

    private suspend fun edit(client: WildThingClient, url: String) {
        val house = client.createHouse(
            NewHouse(
                name = "Häuschen 🏡",
                address = "1 Main Street",
                latitude = 52.52,
                longitude = -13.4,
                timezone = "Europe/Berlin",
                settings = json("""{"beyond": 1208925819614629174706176, "list": [1, null, 2.5, "a\"b\\c\n"]}"""),
            ),
        )
        val hall = client.createRoom(NewRoom(house.id, "مطبخ", floor = -1, roomType = "hall"))
        val lamp = client.createDevice(
            NewDevice(
                hall.id,
                "Lamp",
                DeviceType.Light,
                manufacturer = "Acme",
                capabilities = Json.parseToJsonElement("""["dim", "color"]"""),
                configuration = json("""{"nested": {"deep": [true, false, {}]}}"""),
            ),
        )
        client.updateDeviceState(lamp.id, json("""{"power": "on", "brightness": 80, "warmth": 0.5}"""))
        client.updateDeviceState(lamp.id, json("""{"brightness": null}"""), json("""{"by": "Ada"}"""))
        val ada = client.createUser(NewUser(house.id, "Ada", email = "ada@example.org", role = UserRole.Admin))
        client.logEvent(NewEvent("seen", Kind.Device, lamp.id, data = json("""{"n": 1}""")))
        client.connect(url, "token", ConnectOptions(protocol = SyncProtocol.V1))
        client.sync()

        client.updateRoom(hall.id, RoomPatch(name = "Hall", clear = listOf("floor")))
        client.updateDevice(lamp.id, DevicePatch(model = "M1"))
        client.updateDeviceState(lamp.id, json("""{"mode": "night"}"""), replace = true)
        client.deleteUser(ada.id)
        client.sync()
    }
}
