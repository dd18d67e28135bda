// A program that ends right after a call: no abort, whatever the library's threads
// are doing at that moment.

package com.thegoodies.wildthing

import java.nio.file.Path
import java.util.concurrent.TimeUnit
import kotlin.io.path.Path
import kotlinx.coroutines.CoroutineStart.UNDISPATCHED
import kotlinx.coroutines.GlobalScope
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir

class ExitTest {
    @TempDir
    lateinit var folder: Path

    @Test
    fun `thirty programs end right after a call`() {
        val java = Path(System.getProperty("java.home"), "bin", "java")
        val classes = System.getProperty("surefire.test.class.path") ?: System.getProperty("java.class.path")
        val programs = List(30) { n ->
            val database = "${folder.resolve("$n.db")}"
            ProcessBuilder("$java", "-cp", classes, "-XX:TieredStopAtLevel=1", Ending::class.java.name, database)
                .redirectErrorStream(true)
        }
        for (pair in programs.chunked(2)) {
            for (process in pair.map { it.start() }) {
                val said = process.inputStream.bufferedReader().readText()
                check(process.waitFor(60, TimeUnit.SECONDS)) { "it does not end" }
                assertEquals("made Cabin\n" to 0, said to process.exitValue())
            }
        }
    }
}

/** Leaves an observer, a live query and a background sync behind. */
object Ending {
    @JvmStatic
    @OptIn(kotlinx.coroutines.DelicateCoroutinesApi::class)
    fun main(arguments: Array<String>) = runBlocking {
        val client = WildThingClient.open(arguments[0])
        client.observeChanges { Thread.yield() }
        GlobalScope.launch(start = UNDISPATCHED) { client.devices().collect {} }
        client.connect("http://127.0.0.1:9")
        client.startBackgroundSync(java.time.Duration.ofSeconds(1))
        println("made ${client.createHouse(NewHouse("Cabin")).name}")
    }
}
