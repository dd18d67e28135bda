// Each error that a caller can meet: its class, its fields, and words that say what
// happened. Tests of other stories meet the rest (tokens, pauses, timeouts).

package com.thegoodies.wildthing

import com.sun.net.httpserver.HttpServer
import java.net.InetAddress
import java.net.InetSocketAddress
import java.nio.file.Path
import kotlin.io.path.notExists
import kotlin.io.path.writeText
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertNotEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir

class ErrorsTest {
    @TempDir
    lateinit var folder: Path

    /** A server that gives every request the same answer. */
    private suspend fun answering(status: Int, body: String, tell: suspend (url: String) -> Unit) {
        val server = HttpServer.create(InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0)
        server.createContext("/") { exchange ->
            exchange.requestBody.readAllBytes()
            exchange.sendResponseHeaders(status, body.length.toLong())
            exchange.responseBody.use { it.write(body.toByteArray()) }
        }
        server.start()
        try {
            tell("http://127.0.0.1:${server.address.port}")
        } finally {
            server.stop(0)
        }
    }

    @Test
    fun `what is not there`() = story {
        client(folder, "missing") { client ->
            val missing = fails<WildThingException.NotFound> { client.getRoom("nowhere") }
            assertEquals("room" to "nowhere", missing.kind to missing.id)
            assertEquals("there is no room \"nowhere\"", missing.message)
            assertEquals("house", fails<WildThingException.NotFound> { client.getHouse() }.kind)
            assertEquals("house", fails<WildThingException.NotFound> { client.createRoom(NewRoom("none", "Hall")) }.kind)
        }
    }

    @Test
    fun `what is not acceptable`() = story {
        client(folder, "invalid") { client ->
            assertEquals("id", fails<WildThingException.Invalid> { client.getRoom("") }.field)
            val nameless = fails<WildThingException.Invalid> { client.createHouse(NewHouse(" ")) }
            assertEquals("name" to "name: ${nameless.problem}", nameless.field to nameless.message)
            fails<WildThingException.Invalid> { client.connect("nonsense") }
            val note = fails<WildThingException.UnsupportedByServer> { client.createEntity(NewEntity("note", "Early")) }
            assertTrue("note" in note.what)
        }
    }

    @Test
    fun `no server, and none that can be reached`() = story {
        client(folder, "alone") { client ->
            fails<WildThingException.NotConnected> { client.sync() }
            fails<WildThingException.NotConnected> { client.probe() }
            client.connect("http://127.0.0.1:9")
            assertTrue(fails<WildThingException.Offline> { client.sync() }.reason.isNotEmpty())
        }
    }

    @Test
    fun `a server that fails or talks nonsense`() = story {
        client(folder, "failing") { client ->
            answering(500, """{"error": "out of paper"}""") { url ->
                client.connect(url, TOKEN, ConnectOptions(protocol = SyncProtocol.V1))
                val failed = fails<WildThingException.Server> { client.sync() }
                assertEquals(500, failed.status.toInt())
                assertTrue("out of paper" in failed.detail && "500" in failed.message)
            }
            answering(200, "[1, 2") { url ->
                client.connect(url, TOKEN, ConnectOptions(protocol = SyncProtocol.V1))
                assertTrue(fails<WildThingException.Protocol> { client.sync() }.problem.isNotEmpty())
            }
        }
    }

    @Test
    fun `a replica belongs to one server`() = story {
        Hub(folder, "first").start().use { first ->
            Hub(folder, "second").start().use { second ->
                client(folder, "moved", first) { client ->
                    client.sync()
                    client.connect(second.url, TOKEN)
                    val other = fails<WildThingException.OtherServer> { client.sync() }
                    assertNotEquals(other.expected, other.found)
                    client.connect(second.url, TOKEN, ConnectOptions(rebind = true))
                    client.sync()
                }
            }
        }
    }

    @Test
    fun `a file that is no database is not touched`() = story {
        val songs = folder.resolve("songs.db")
        songs.writeText("not a database, and long enough not to be empty\n".repeat(100))
        val error = fails<WildThingException.Storage> { WildThingClient.open(songs) }
        assertEquals("not_a_database", error.code)
        assertTrue("songs.db" in error.problem && error.problem in error.message)
        val folder = fails<WildThingException.Storage> { WildThingClient.open(folder) }
        assertEquals("cant_open", folder.code)
    }

    @Test
    fun `a key is never ignored`() = story {
        // The library that is tested here has no encryption, as that which ships.
        val file = folder.resolve("secret.db")
        val error = fails<WildThingException.Storage> { WildThingClient.openEncrypted(file, ByteArray(32)) }
        assertEquals("no_encryption", error.code)
        val short = fails<WildThingException.Invalid> { WildThingClient.openEncrypted(file.toString(), ByteArray(31)) }
        assertEquals("key", short.field)
        assertTrue(file.notExists())
        client(folder, "plain") { client ->
            for (key in listOf(ByteArray(32), null)) {
                assertEquals("no_encryption", fails<WildThingException.Storage> { client.changeKey(key) }.code)
            }
            assertEquals(emptyList<House>(), client.getHouses())
        }
    }
}
