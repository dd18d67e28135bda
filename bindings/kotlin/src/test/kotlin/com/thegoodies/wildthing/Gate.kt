// A relay before a hub. While it is shut, requests reach it and no answer comes
// back, as with a hub that hangs: connections are taken and held.

package com.thegoodies.wildthing

import java.io.IOException
import java.net.InetAddress
import java.net.ServerSocket
import java.net.Socket
import java.net.URI
import java.util.concurrent.CopyOnWriteArrayList
import kotlin.concurrent.thread

class Gate(hub: Hub, @Volatile private var open: Boolean = false) : AutoCloseable {
    private val server = ServerSocket(0, 50, InetAddress.getLoopbackAddress())
    private val target = URI(hub.url)
    private val all = CopyOnWriteArrayList<Socket>()
    private val heldOnes = CopyOnWriteArrayList<Socket>()

    val url = "http://127.0.0.1:${server.localPort}"

    init {
        thread(isDaemon = true) { accept() }
    }

    /** How many requests came and got no answer, and whose sender still waits for it. */
    fun held(): Int = heldOnes.count { !it.isClosed }

    /** From now on requests reach the hub; those that are held stay so. */
    fun open() {
        open = true
    }

    private fun accept() {
        while (true) {
            val client = quietly { server.accept() } ?: return
            all.add(client)
            if (open) {
                val hub = Socket(target.host, target.port).also(all::add)
                thread(isDaemon = true) { copy(client, hub) }
                thread(isDaemon = true) { copy(hub, client) }
            } else {
                thread(isDaemon = true) { hold(client) }
            }
        }
    }

    /** Reads what comes, and says nothing, until the other side gives up. */
    private fun hold(client: Socket) {
        val bytes = ByteArray(8_192)
        quietly {
            if (client.getInputStream().read(bytes) > 0) heldOnes.add(client)
            do {
                val more = client.getInputStream().read(bytes)
            } while (more >= 0)
        }
        client.close()
    }

    private fun copy(from: Socket, to: Socket) {
        quietly { from.getInputStream().copyTo(to.getOutputStream()) }
        from.close()
        to.close()
    }

    private fun <R> quietly(act: () -> R): R? =
        try {
            act()
        } catch (_: IOException) {
            null
        }

    override fun close() {
        server.close()
        all.forEach { it.close() }
    }
}
