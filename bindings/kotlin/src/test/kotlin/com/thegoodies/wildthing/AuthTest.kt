// Tokens and passwords: refused, renewed, exchanged, and never printed.

package com.thegoodies.wildthing

import java.net.URI
import java.net.http.HttpClient
import java.net.http.HttpRequest
import java.net.http.HttpResponse
import java.nio.file.Path
import java.time.Duration
import kotlin.time.Duration.Companion.seconds
import kotlinx.coroutines.CoroutineStart.UNDISPATCHED
import kotlinx.coroutines.async
import kotlinx.coroutines.flow.first
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive
import kotlinx.serialization.json.jsonObject
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import org.junit.jupiter.params.ParameterizedTest
import org.junit.jupiter.params.provider.EnumSource

class AuthTest {
    @TempDir
    lateinit var folder: Path

    @ParameterizedTest
    @EnumSource
    fun `work goes on with a new token`(speech: Speech) = story {
        speech.hub(folder).use { hub ->
            client(folder, "renewed") { client ->
                client.connect(hub.url, "wrong")
                val asked = async(start = UNDISPATCHED) {
                    client.changes.first { batch -> batch.events.any { it is ChangeEvent.NeedsAuth } }
                }
                client.createHouse(NewHouse("Cabin"))
                client.startBackgroundSync(1.seconds)
                val event = asked.await().events.filterIsInstance<ChangeEvent.NeedsAuth>().single()
                assertEquals(401, event.status.toInt())
                client.status().until { it.connection == Connection.NEEDS_AUTH }
                client.setAuthToken(TOKEN)
                client.status().until { it.pending == 0uL && it.connection == Connection.ONLINE }
                client.stopBackgroundSync()
                client.setAuthToken(null)
                assertEquals(401, fails<WildThingException.NeedsAuth> { client.sync() }.status.toInt())
                assertEquals(401, fails<WildThingException.NeedsAuth> { client.probe() }.status.toInt())
            }
        }
    }

    @Test
    fun `a password is changed for a token`() = story {
        Speech.V2.hub(folder, mapOf("BLOWING_OFF_ADMIN_PASSWORD" to "a password")).use { hub ->
            client(folder, "signed-in") { client ->
                assertNull(client.authSession())
                client.connect(hub.url)
                fails<WildThingException.WrongPassword> { client.login("wrong") }
                val session = client.login("a password")
                assertEquals(UserRole.Admin to session, session.role to client.authSession())
                assertFalse(session.authToken in "$session")
                assertTrue(client.refreshSession().expiresAt!! >= session.expiresAt!!)
                client.sync()

                assertEquals("qr_data", fails<WildThingException.Invalid> { client.loginGuest("{}") }.field)
                val invitation = invitation(hub)
                val wrong = JsonObject(invitation + ("token" to JsonPrimitive("no-such-invitation")))
                assertTrue(fails<WildThingException.NotAllowed> { client.loginGuest("$wrong") }.detail.isNotEmpty())
                assertEquals(UserRole.Guest, client.loginGuest("$invitation").role)
                fails<WildThingException.NotAllowed> { client.refreshSession() }

                repeat(5) { fails<WildThingException.WrongPassword> { client.login("wrong") } }
                val limited = fails<WildThingException.RateLimited> { client.login("a password") }
                assertTrue(limited.retryAfter > Duration.ZERO)
            }
        }
    }

    /** What an admin's app shows as a QR code. */
    private fun invitation(hub: Hub): JsonObject {
        val request = HttpRequest.newBuilder(URI("${hub.url}/api/v1/auth/guest/generate-qr"))
            .header("Authorization", "Bearer $TOKEN")
            .header("Content-Type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofString("{}"))
            .build()
        val answer = HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString()).body()
        return checkNotNull(json(answer)["qr_data"]) { answer }.jsonObject
    }

    @Test
    fun `a token is in no log and no message`() = story {
        Speech.V1.hub(folder).use { hub ->
            val secret = "a-secret-that-nobody-may-read"
            val client = WildThingClient.open("${folder.resolve("secret.db")}", OpenOptions(echo = true))
            Listening.records.clear()
            client.connect(hub.url, secret)
            val refused = fails<WildThingException.NeedsAuth> { client.sync() }
            client.shutdown()
            client.close()
            eventually("SQL is logged") { Listening.records.any { it.target == "wildthing::sql" } }
            assertFalse(secret in "$refused ${Listening.records.map { it.text }}")
        }
    }
}
