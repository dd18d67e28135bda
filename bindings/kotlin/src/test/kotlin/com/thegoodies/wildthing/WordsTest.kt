// What errors and values say when they are printed.

package com.thegoodies.wildthing

import java.time.Duration
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

class WordsTest {
    @Test
    fun `every error says what happened`() {
        val errors = listOf(
            WildThingException.Offline("no route") to "offline: no route",
            WildThingException.NeedsAuth(401u) to "the server refused the token (HTTP 401)",
            WildThingException.WrongPassword() to "the password is wrong",
            WildThingException.RateLimited(Duration.ofMillis(1_500)) to "too many attempts; try again in 2 s",
            WildThingException.NotAllowed("guests may not") to "not allowed: guests may not",
            WildThingException.Server(500u, "oops") to "the server answered 500: oops",
            WildThingException.Protocol("no list") to "the server's answer can't be used: no list",
            WildThingException.Storage("disk_full", "no space") to "the local database failed: no space",
            WildThingException.Paused() to "the client is paused; call resume first",
            WildThingException.Cancelled() to "cancelled",
            WildThingException.NotConnected() to "not connected to a server; call connect first",
            WildThingException.OtherServer("a", "b") to
                "this replica belongs to server a, not to b; ask for rebind to move it",
            WildThingException.Busy() to "another process is syncing this replica",
            WildThingException.NotFound("room", "r") to "there is no room \"r\"",
            WildThingException.Invalid("name", "is empty") to "name: is empty",
            WildThingException.UnsupportedByServer("a note") to
                "a note: only a server that speaks v2 takes that, and this replica has none",
            WildThingException.UnsentEdits(3u) to "3 unsent edits would be lost",
            WildThingException.Timeout(200u, 1u) to "not done after 200 ms; 1 edits wait to be sent",
            WildThingException.Internal("a bug") to "internal error: a bug",
        )
        for ((error, words) in errors) {
            assertEquals(words, error.message)
        }
        val all = WildThingException::class.java.declaredClasses.filter { WildThingException::class.java.isAssignableFrom(it) }
        assertEquals(all.toSet(), errors.map { it.first.javaClass }.toSet())
    }

    @Test
    fun `values print their names, and never a token`() {
        assertEquals("Light", "${DeviceType.Light}")
        assertEquals("Other(name=note)", "${Kind.Other("note")}")
        val session = AuthSession(UserRole.Admin, null, "a-secret")
        assertFalse("a-secret" in "$session")
        assertTrue(session == session.copy() && session.hashCode() == session.copy().hashCode())
    }
}
