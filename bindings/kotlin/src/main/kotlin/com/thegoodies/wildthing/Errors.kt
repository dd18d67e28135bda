// What a WildThingException says in words. Programs look at its class and its
// fields; the words are for people and logs, and hold no secrets.

package com.thegoodies.wildthing

internal fun describe(error: WildThingException): String =
    when (error) {
        is WildThingException.Offline -> "offline: ${error.reason}"
        is WildThingException.NeedsAuth -> "the server refused the token (HTTP ${error.status})"
        is WildThingException.WrongPassword -> "the password is wrong"
        is WildThingException.RateLimited -> "too many attempts; try again in ${error.retryAfter.plusMillis(999).toSeconds()} s"
        is WildThingException.NotAllowed -> "not allowed: ${error.detail}"
        is WildThingException.Server -> "the server answered ${error.status}: ${error.detail}"
        is WildThingException.Protocol -> "the server's answer can't be used: ${error.problem}"
        is WildThingException.Storage -> "the local database failed: ${error.problem}"
        is WildThingException.Paused -> "the client is paused; call resume first"
        is WildThingException.Cancelled -> "cancelled"
        is WildThingException.NotConnected -> "not connected to a server; call connect first"
        is WildThingException.OtherServer ->
            "this replica belongs to server ${error.expected}, not to ${error.found}; ask for rebind to move it"
        is WildThingException.Busy -> "another process is syncing this replica"
        is WildThingException.NotFound -> "there is no ${error.kind} \"${error.id}\""
        is WildThingException.Invalid -> "${error.field}: ${error.problem}"
        is WildThingException.UnsupportedByServer ->
            "${error.what}: only a server that speaks v2 takes that, and this replica has none"
        is WildThingException.UnsentEdits -> "${error.count} unsent edits would be lost"
        is WildThingException.Timeout ->
            "not done after ${error.waitedMs} ms; ${error.pending} edits wait to be sent"
        is WildThingException.Internal -> "internal error: ${error.detail}"
    }
