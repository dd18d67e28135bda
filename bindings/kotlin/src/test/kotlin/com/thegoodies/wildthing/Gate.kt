// A relay before a hub. While it is shut, requests reach the hub and answers do not
// come back, as with a hub that hangs: they are held until it is opened.

package com.thegoodies.wildthing

import java.io.IOException
import java.net.InetAddress
import java.net.ServerSocket
import java.net.Socket
import java.net.URI
import java.util.concurrent.CopyOnWriteArrayList
import java.util.concurrent.CountDownLatch
import kotlin.concurrent.thread

class Gate(hub: Hub) : AutoCloseable {
    private val server = ServerSocket(0, 50, InetAddress.getLoopbackAddress())
    private val target = URI(hub.url)
    private val shut = CountDownLatch(1)
    private val all = CopyOnWriteArrayList<Socket>()
    private val waiting = CopyOnWriteArrayList<Socket>()

    val url = "http://127.0.0.1:${server.localPort}"

    init {
        thread(isDaemon = true) { accept() }
    }

    /** How many answers are held, and still waited for. */
    fun held(): Int = waiting.count { !it.isClosed }

    /** Lets answers through, those that were held and all that come. */
    fun open() = shut.countDown()

    private fun accept() {
        while (true) {
            val client = quietly { server.accept() } ?: return
            val hub = Socket(target.host, target.port)
            all += listOf(client, hub)
            thread(isDaemon = true) {
                quietly { client.getInputStream().copyTo(hub.getOutputStream()) }
                listOf(client, hub).forEach { it.close() }
            }
            thread(isDaemon = true) {
                quietly { answer(hub, client) }
                listOf(client, hub).forEach { it.close() }
            }
        }
    }

    private fun answer(hub: Socket, client: Socket) {
        val beginning = ByteArray(8_192)
        val size = hub.getInputStream().read(beginning)
        if (size < 0) return
        if (shut.count > 0) {
            waiting.add(client)
            shut.await()
        }
        client.getOutputStream().write(beginning, 0, size)
        hub.getInputStream().copyTo(client.getOutputStream())
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
