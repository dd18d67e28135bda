// How many subscriptions the library itself holds, as its log tells: each message
// about somebody who begins or ends says how many there are then. That is per
// client, so it serves a test with one client.

package com.thegoodies.wildthing

import java.util.concurrent.ConcurrentLinkedQueue
import java.util.concurrent.atomic.AtomicInteger

object Listening {
    private val now = AtomicInteger()

    /** Everything else that was logged. */
    val records = ConcurrentLinkedQueue<LogRecord>()

    private val told = Regex("""\blisteners=(\d+)""")

    init {
        // A process has one log; every client of the tests tells into it.
        setLogSink(LogLevel.DEBUG) { record ->
            val listeners = told.find(record.text)?.groupValues?.get(1)
            when {
                record.target != "wildthing::observe" -> records.add(record)
                listeners != null -> now.set(listeners.toInt())
                record.text.startsWith("nobody listens any more") -> now.set(0)
            }
        }
    }

    /** From here on a client is listened to that nobody has listened to yet. */
    fun begin() = now.set(0)

    /** Messages come on a thread of the log's own: await what is wanted. */
    fun count(): Int = now.get()
}
