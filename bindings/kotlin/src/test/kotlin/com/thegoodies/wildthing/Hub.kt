// A hub to test against: the program `blowing-off serve`, a process of its own on
// a free port, with a house of its own in a temporary folder.

package com.thegoodies.wildthing

import java.nio.file.Path
import java.util.concurrent.TimeUnit
import kotlin.io.path.div

const val TOKEN = "token-of-the-tests"

class Hub(folder: Path, name: String = "hub", private val environment: Map<String, String> = emptyMap()) : AutoCloseable {
    private val db = folder / "$name.db"
    private var process: Process? = null

    /** Where it listens; the same after it was started again. */
    lateinit var url: String
        private set

    fun start(vararg options: String): Hub {
        val listen = if (::url.isInitialized) url.removePrefix("http://") else "127.0.0.1:0"
        val command = listOf(program(), "serve", "--listen", listen, "--db", "$db", "--auth-token", TOKEN) + options
        val builder = ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT)
        builder.environment().putAll(environment)
        val started = builder.start()
        process = started
        val line = started.inputStream.bufferedReader().readLine()
        check(line != null && line.startsWith("listening on ")) { "the hub did not start: $line" }
        url = line.removePrefix("listening on ").trim()
        return this
    }

    /** Ends it at once, as a crash would. */
    fun kill() {
        process?.destroyForcibly()?.waitFor(60, TimeUnit.SECONDS)
        process = null
    }

    override fun close() {
        process?.let {
            it.destroy()
            if (!it.waitFor(60, TimeUnit.SECONDS)) it.destroyForcibly()
        }
        process = null
    }

    companion object {
        fun program(): String = checkNotNull(System.getProperty("wildthing.hub")) { "run me with `cargo xtask kotlin`" }
    }
}

/** What hubs and clients speak. */
enum class Speech(val protocol: SyncProtocol, val option: String) {
    V1(SyncProtocol.V1, "v1"),
    V2(SyncProtocol.V2, "v2"),
    ;

    fun hub(folder: Path, environment: Map<String, String> = emptyMap()): Hub =
        Hub(folder, "hub-$option", environment).start("--protocol", option)
}
