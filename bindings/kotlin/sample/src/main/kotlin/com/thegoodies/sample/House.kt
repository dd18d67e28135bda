// A house in a terminal, followed live: run it, edit the house with another client,
// and see. What is shown is always what this machine holds; the server is asked in
// the background, and may come and go.
//
//     WILDTHING_TOKEN=… java -cp … com.thegoodies.sample.HouseKt house.db http://localhost:8000

package com.thegoodies.sample

import com.thegoodies.wildthing.Device
import com.thegoodies.wildthing.Freshness
import com.thegoodies.wildthing.Room
import com.thegoodies.wildthing.WildThingClient
import com.thegoodies.wildthing.devices
import com.thegoodies.wildthing.open
import com.thegoodies.wildthing.rooms
import com.thegoodies.wildthing.startBackgroundSync
import com.thegoodies.wildthing.status
import java.nio.file.Path
import kotlin.system.exitProcess
import kotlin.time.Duration.Companion.seconds
import kotlinx.coroutines.flow.combine
import kotlinx.coroutines.flow.distinctUntilChanged
import kotlinx.coroutines.flow.map
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking

fun main(arguments: Array<String>) {
    if (arguments.size != 2) {
        System.err.println("usage: house DATABASE SERVER_URL, with the token in WILDTHING_TOKEN")
        exitProcess(2)
    }
    val (database, url) = arguments
    runBlocking {
        WildThingClient.open(Path.of(database)).use { client ->
            client.connect(url, System.getenv("WILDTHING_TOKEN"))
            client.startBackgroundSync(1.seconds)

            launch {
                client.status()
                    .map { "${it.connection}, ${it.pending} edits to send" }
                    .distinctUntilChanged()
                    .collect { println("-- $it") }
            }
            combine(client.rooms(), client.devices(), ::page).distinctUntilChanged().collect(::println)
        }
    }
}

/** The whole house as text. */
private fun page(rooms: List<Room>, devices: List<Device>): String = buildString {
    val inRoom = devices.groupBy { it.roomId }
    for (room in rooms) {
        appendLine(room.name)
        inRoom[room.id].orEmpty().forEach { appendLine("  ${line(it)}") }
    }
    inRoom[null].orEmpty().forEach { appendLine("unplaced: ${line(it)}") }
}

private fun line(device: Device): String {
    val standing = when (val freshness = device.freshness) {
        is Freshness.Synced -> ""
        is Freshness.Pending -> " (not sent yet)"
        is Freshness.Failed -> " (refused: ${freshness.reason})"
        is Freshness.Superseded -> " (your edit lost: ${freshness.reason})"
    }
    return "${device.name} [${device.id}] ${device.state}$standing"
}
