// Changes and live queries as Flows. Each is cold: collecting it subscribes, and
// when the collector is cancelled, fails or has enough, the library's
// subscription is freed before `collect` returns. A Flow ends when its client ends.

package com.thegoodies.wildthing

import kotlin.coroutines.cancellation.CancellationException
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.SharingStarted
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.firstOrNull
import kotlinx.coroutines.flow.flow
import kotlinx.coroutines.flow.stateIn

/**
 * Changes as they are committed: this client's, the server's, and those that other
 * processes commit to the same file. One batch is one commit, or one event about
 * the sync or the connection.
 *
 * Only what is committed after collecting began is told. Up to 8,192 events wait
 * for a slow collector; [ChangeBatch.missed] tells how many were dropped after that.
 * What is to be shown is better read from [houses], [rooms] and [devices], which
 * begin with what is there.
 */
val WildThingClient.changes: Flow<ChangeBatch>
    get() = pulled({ changes() }) { it.next() }

/**
 * Every house by name, now and whenever that changes.
 *
 * @throws WildThingException while collecting, if the answer can't be read.
 */
fun WildThingClient.houses(): Flow<List<House>> = pulled({ watchHouses() }) { it.next() }

/**
 * The rooms of a house, or all, by name, now and whenever that changes.
 *
 * @throws WildThingException while collecting: `Invalid` if [houseId] is no id, or
 * if the answer can't be read.
 */
fun WildThingClient.rooms(houseId: RecordId? = null): Flow<List<Room>> =
    pulled({ watchRooms(houseId) }) { it.next() }

/**
 * The devices of a room, or all, by name, now and whenever that changes. What
 * changes within 30 ms makes one answer.
 *
 * @throws WildThingException while collecting: `Invalid` if [roomId] is no id, or
 * if the answer can't be read.
 */
fun WildThingClient.devices(roomId: RecordId? = null): Flow<List<Device>> =
    pulled({ watchDevices(roomId) }) { it.next() }

/**
 * What a device is doing, now and whenever that changes; `null` while there is no
 * such device, because it is deleted or has not come yet.
 *
 * @throws WildThingException while collecting: `Invalid` if [deviceId] is no id, or
 * if the answer can't be read.
 */
fun WildThingClient.deviceState(deviceId: RecordId): Flow<DeviceState?> =
    pulled<_, Answer<DeviceState?>>({ watchDeviceState(deviceId) }) { query ->
        try {
            query.next()?.let { Answer(it) }
        } catch (_: WildThingException.NotFound) {
            Answer(null)
        }
    }.unwrapped()

/**
 * Where the replica stands, now and whenever that changes. A pause is an answer
 * too, with [SyncStatus.paused] set.
 *
 * @throws WildThingException while collecting, if the answer can't be read.
 */
fun WildThingClient.status(): Flow<SyncStatus> = pulled({ watchStatus() }) { it.next() }

/**
 * [status] as state that [scope] keeps up to date: waits for the first answer, and
 * follows until the scope is cancelled. When the client ends, the last answer stays.
 * For one that is followed only while somebody looks, use
 * `status().stateIn(scope, SharingStarted.WhileSubscribed(), …)`.
 *
 * A later status that can't be read fails [scope], as whatever is launched in it
 * does: nothing would keep the state up to date any more. Give a scope with a
 * `SupervisorJob` and a `CoroutineExceptionHandler` if that may not end the rest.
 *
 * @throws WildThingException if the first answer can't be read: [scope] goes on.
 * `Cancelled` if the client has ended, or ends before the first answer.
 */
@Throws(WildThingException::class, CancellationException::class)
suspend fun WildThingClient.statusIn(scope: CoroutineScope): StateFlow<SyncStatus> {
    val first = status().firstOrNull() ?: throw WildThingException.Cancelled()
    return status().stateIn(scope, SharingStarted.Eagerly, first)
}

/** An answer that may be that there is nothing, unlike the end of the answers. */
private class Answer<T>(val value: T)

private fun <T> Flow<Answer<T>>.unwrapped(): Flow<T> = flow { collect { emit(it.value) } }

/** Pulls from a handle of its own for each collector, until that gives `null`. */
private fun <H : AutoCloseable, T : Any> pulled(open: () -> H, next: suspend (H) -> T?): Flow<T> =
    flow {
        val handle = open()
        try {
            while (true) {
                emit(next(handle) ?: break)
            }
        } finally {
            // Whatever ends the flow: the library lets go of the subscription here.
            handle.close()
        }
    }
