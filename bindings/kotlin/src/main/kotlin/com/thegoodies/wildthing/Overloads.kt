// The calls whose arguments have a type of Kotlin's or the JDK's own, beside the
// one that crosses to the library.

package com.thegoodies.wildthing

import java.nio.file.Path
import kotlin.time.Duration
import kotlin.time.toJavaDuration

/** [WildThingClient.Companion.open] with a [Path]. */
@Throws(WildThingException::class)
suspend fun WildThingClient.Companion.open(path: Path, options: OpenOptions? = null): WildThingClient =
    open(path.toString(), options)

/** [WildThingClient.Companion.openEncrypted] with a [Path]. */
@Throws(WildThingException::class)
suspend fun WildThingClient.Companion.openEncrypted(
    path: Path,
    key: ByteArray,
    options: OpenOptions? = null,
): WildThingClient = openEncrypted(path.toString(), key, options)

/** [WildThingClient.startBackgroundSync] with Kotlin's [Duration], as in `30.seconds`. */
@Throws(WildThingException::class)
suspend fun WildThingClient.startBackgroundSync(interval: Duration) = startBackgroundSync(interval.toJavaDuration())

/** [WildThingClient.waitUntilSynced] with Kotlin's [Duration], as in `10.seconds`. */
@Throws(WildThingException::class)
suspend fun WildThingClient.waitUntilSynced(timeout: Duration): SyncResult = waitUntilSynced(timeout.toJavaDuration())
