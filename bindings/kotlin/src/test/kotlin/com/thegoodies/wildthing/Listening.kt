// How many subscriptions the library itself holds, as its log tells: one message
// when somebody begins to listen, one when they end.

package com.thegoodies.wildthing

import java.util.concurrent.ConcurrentLinkedQueue
import java.util.concurrent.atomic.AtomicInteger

object Listening {
    private val now = AtomicInteger()

    /** Everything else that was logged. */
    val records = ConcurrentLinkedQueue<LogRecord>()

    init {
        // A process has one log; every client of the tests tells into it.
        setLogSink(LogLevel.DEBUG) { record ->
            when {
                record.target != "wildthing::observe" -> records.add(record)
                record.text.startsWith("somebody listens no more") -> now.decrementAndGet()
                record.text.startsWith("somebody listens") -> now.incrementAndGet()
                record.text.startsWith("nobody listens any more") ->
                    now.addAndGet(-record.text.substringAfter("ended=").toInt())
            }
        }
    }

    /** Messages come on a thread of the log's own: await what is wanted. */
    fun count(): Int = now.get()
}
