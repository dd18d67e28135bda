// The calls that a scenario can name: all public ones of the client, found by their
// names. Those whose arguments the layer takes in Kotlin's own types are made so.

package com.thegoodies.wildthing.conformance

import com.thegoodies.wildthing.WildThingClient
import com.thegoodies.wildthing.startBackgroundSync
import com.thegoodies.wildthing.waitUntilSynced
import java.lang.reflect.InvocationTargetException
import kotlin.reflect.KFunction
import kotlin.reflect.KVisibility
import kotlin.reflect.full.callSuspendBy
import kotlin.reflect.full.instanceParameter
import kotlin.reflect.full.memberFunctions
import kotlin.time.Duration
import kotlinx.serialization.json.JsonObject

private val CALLS: Map<String, KFunction<*>> =
    WildThingClient::class.memberFunctions
        .filter { it.visibility == KVisibility.PUBLIC }
        .associateBy { snakeCase(it.name) }

/** Makes a call and gives what it gave. */
internal suspend fun WildThingClient.called(word: String, arguments: JsonObject): Any? =
    when (word) {
        "wait_until_synced" -> waitUntilSynced(arguments.only<Duration>("timeout"))
        "start_background_sync" -> startBackgroundSync(arguments.only<Duration>("interval"))
        else -> member(requireNotNull(CALLS[word]) { "there is no call $word" }, arguments)
    }

private suspend fun WildThingClient.member(call: KFunction<*>, arguments: JsonObject): Any? {
    val client = checkNotNull(call.instanceParameter) to this
    try {
        return call.callSuspendBy(call.given(arguments) + client)
    } catch (error: InvocationTargetException) {
        throw error.targetException
    }
}
