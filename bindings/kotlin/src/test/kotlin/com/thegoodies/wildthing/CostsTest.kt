// What calls cost, measured and printed; nothing is asserted about time. Runs with
// the library as it ships, `cargo xtask kotlin --release`.

package com.thegoodies.wildthing

import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.nio.file.Path
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.condition.EnabledIfSystemProperty
import org.junit.jupiter.api.io.TempDir

@EnabledIfSystemProperty(named = "wildthing.costs", matches = "true")
class CostsTest {
    @TempDir
    lateinit var folder: Path

    /** The median of many calls, and the least, after as many to warm up. */
    private suspend fun cost(what: String, rounds: Int, call: suspend () -> Unit) {
        repeat(rounds) { call() }
        val times = List(rounds) {
            val start = System.nanoTime()
            call()
            (System.nanoTime() - start) / 1_000.0
        }.sorted()
        println("%10.1f µs  (least %.1f)  %s".format(times[rounds / 2], times[0], what))
    }

    @Test
    fun `what calls cost`() = story {
        Hub(folder).start("--sample", "800").use { hub ->
            client(folder, "costs", hub) { client ->
                client.sync()
                val devices = client.getDevices().take(300)
                assertEquals(300, devices.size)
                val one = devices.first().id
                // So many that the list has exactly 300.
                client.getDevices().drop(300).forEach { client.deleteDevice(it.id) }
                cost("a call without arguments (authSession)", 5_000) { client.authSession() }
                cost("a suspend call (clientId)", 5_000) { client.clientId() }
                cost("one device", 5_000) { client.getDevice(one) }
                cost("300 devices", 2_000) { client.getDevices() }
                cost("a state written", 500) { client.updateDeviceState(one, json("""{"n": 1}""")) }
                val size = FfiConverterSequenceTypeDevice.allocationSize(devices).toInt()
                val buffer = ByteBuffer.allocateDirect(size).order(ByteOrder.BIG_ENDIAN)
                FfiConverterSequenceTypeDevice.write(devices, buffer)
                cost("of the 300 devices: making objects of their $size bytes", 2_000) {
                    FfiConverterSequenceTypeDevice.read(buffer.rewind())
                }
                val texts = devices.flatMap { listOf("${it.state}", "${it.extra}", "${it.capabilities}", "${it.configuration}") }
                cost("  of that: parsing their JSON", 2_000) { texts.forEach { jsonElement(it) } }
            }
        }
    }
}
