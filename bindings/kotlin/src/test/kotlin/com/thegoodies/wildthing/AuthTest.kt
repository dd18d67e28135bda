// Tokens and passwords: refused, renewed, exchanged, and never printed.

package com.thegoodies.wildthing

import java.nio.file.Path
import java.time.Duration
import kotlin.time.Duration.Companion.seconds
import kotlinx.coroutines.CoroutineStart.UNDISPATCHED
import kotlinx.coroutines.async
import kotlinx.coroutines.flow.first
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
                val invitation = """{"server": "127.0.0.1", "port": 1, "token": "no such invitation", "expires": "2099-01-01T00:00:00Z"}"""
                assertTrue(fails<WildThingException.NotAllowed> { client.loginGuest(invitation) }.detail.isNotEmpty())

                repeat(5) { fails<WildThingException.WrongPassword> { client.login("wrong") } }
                val limited = fails<WildThingException.RateLimited> { client.login("a password") }
                assertTrue(limited.retryAfter > Duration.ZERO)
            }
        }
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
