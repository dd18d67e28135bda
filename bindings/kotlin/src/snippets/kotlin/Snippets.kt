// The snippets of the README files, each in a function of its own name, so that
// what is shown compiles. `SnippetsTest` holds the two together.

@file:Suppress("unused", "UNUSED_VARIABLE")

import com.thegoodies.wildthing.*
import kotlin.time.Duration.Companion.seconds
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.flow.SharingStarted
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.stateIn
import kotlinx.coroutines.launch
import kotlinx.serialization.json.buildJsonObject
import kotlinx.serialization.json.put

suspend fun firstSteps(token: String, deviceId: String) {
    // begin: first steps
    WildThingClient.open("my-home.db").use { client ->
        client.connect("http://localhost:8000", token)
        val result = client.sync()
        println("${result.syncedEntities} synced")

        for (device in client.getDevices()) {
            println("${device.name}: ${device.state}")
        }
        client.updateDeviceState(deviceId, buildJsonObject {
            put("power", "on")
            put("brightness", 80)
        })
    }
    // end
}

fun show(devices: List<Device>) = Unit

suspend fun askForToken(): String = ""

fun CoroutineScope.live(client: WildThingClient, roomId: RecordId) {
    // begin: live
    launch {
        client.devices(roomId).collect { devices -> show(devices) }
    }
    launch {
        client.changes.collect { batch ->
            for (event in batch.events) {
                if (event is ChangeEvent.NeedsAuth) client.setAuthToken(askForToken())
            }
        }
    }
    // end
}

// begin: view model
class RoomModel(client: WildThingClient, roomId: RecordId, scope: CoroutineScope) {
    val devices: StateFlow<List<Device>> =
        client.devices(roomId).stateIn(scope, SharingStarted.WhileSubscribed(5_000), emptyList())
}
// end

suspend fun background(client: WildThingClient, scope: CoroutineScope) {
    // begin: background
    client.startBackgroundSync(30.seconds)
    val status: StateFlow<SyncStatus> = client.statusIn(scope)
    println("${status.value.connection}, ${status.value.pending} edits to send")
    // end
}

suspend fun errors(client: WildThingClient) {
    // begin: errors
    try {
        client.sync()
    } catch (error: WildThingException) {
        when (error) {
            is WildThingException.Offline -> println("later: ${error.reason}")
            is WildThingException.NeedsAuth -> client.setAuthToken(askForToken())
            is WildThingException.Storage -> println("${error.code}: ${error.problem}")
            else -> throw error
        }
    }
    // end
}

suspend fun conflicts(client: WildThingClient) {
    // begin: conflicts
    for (conflict in client.conflicts()) {
        println("${conflict.kind} ${conflict.id} lost (${conflict.reason}): ${conflict.losing}")
        client.restore(conflict.conflictId)    // or client.dismiss(conflict.conflictId)
    }
    // end
}

fun observer(client: WildThingClient) {
    // begin: observer
    val subscription = client.observeChanges { batch -> println(batch.events) }
    subscription.cancel()

    setLogSink(LogLevel.INFO) { record -> println("${record.level} ${record.text}") }
    // end
}
