// A house is built, read, changed and taken down, with no server known.

package com.thegoodies.wildthing

import java.nio.file.Path
import java.time.Instant
import kotlinx.serialization.json.JsonNull
import kotlinx.serialization.json.buildJsonObject
import kotlinx.serialization.json.put
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir

class HouseTest {
    @TempDir
    lateinit var folder: Path

    @Test
    fun `a house and its rooms`() = story {
        client(folder, "rooms") { client ->
            assertNull(client.salvaged())
            val before = Instant.now().minusSeconds(1)
            val house = client.createHouse(NewHouse("Häuschen", latitude = 48.1, settings = json("""{"a": [1]}""")))
            assertTrue(house.createdAt!! > before)
            assertEquals(house, client.getHouse())
            assertEquals(house, client.getHouse(house.id))
            assertEquals(listOf(house), client.getHouses())
            val moved = client.updateHouse(house.id, HousePatch(address = "1 Main Street", clear = listOf("settings")))
            assertEquals("1 Main Street" to null, moved.address to moved.settings)

            val room = client.createRoom(NewRoom(house.id, "Hall", floor = 1, roomType = "hall"))
            assertEquals(2L, client.updateRoom(room.id, RoomPatch(floor = 2)).floor)
            assertEquals("Hall", client.getRoom(room.id).name)
            assertEquals(client.getRooms(), client.getRooms(house.id))

            client.deleteRoom(room.id)
            assertEquals(emptyList<Room>(), client.getRooms())
            client.deleteHouse(house.id)
            assertEquals(emptyList<House>(), client.getHouses())
        }
    }

    @Test
    fun `devices and what they are doing`() = story {
        client(folder, "devices") { client ->
            val (_, room, _) = client.home()
            val lava = client.createDevice(NewDevice(room.id, "Lava", DeviceType.Unknown("lava lamp")))
            assertEquals(DeviceType.Unknown("lava lamp"), client.getDevice(lava.id).deviceType)
            val light = client.updateDevice(lava.id, DevicePatch(deviceType = DeviceType.Light, model = "L1"))
            assertEquals(DeviceType.Light to "L1", light.deviceType to light.model)
            assertEquals("Light", "${light.deviceType}")
            assertEquals(listOf("Lamp", "Lava"), client.getDevices(room.id).map { it.name })
            assertEquals(client.getDevices(), client.getDevices(room.id))

            assertEquals(json("{}"), client.getDeviceState(lava.id).state)
            client.updateDeviceState(lava.id, json("""{"power": "on", "brightness": 80}"""))
            val state = client.updateDeviceState(lava.id, buildJsonObject { put("brightness", JsonNull) }, json("""{"by": 1}"""))
            assertEquals(json("""{"power": "on"}""") to json("""{"by": 1}"""), state.state to state.attributes)
            assertEquals(state.state, client.getDevice(lava.id).state)
            val replaced = client.updateDeviceState(lava.id, buildJsonObject { put("power", "off") }, replace = true)
            assertEquals(json("""{"power": "off"}"""), replaced.state)
            val history = client.getDeviceHistory(lava.id, 2u)
            assertEquals(listOf(replaced.state, state.state), history.map { it.state })
            client.deleteDevice(lava.id)
            assertEquals(listOf("Lamp"), client.getDevices().map { it.name })
        }
    }

    @Test
    fun `people and events`() = story {
        client(folder, "people") { client ->
            val (house, _, lamp) = client.home()
            val ada = client.createUser(NewUser(house.id, "Ada", role = UserRole.Admin))
            assertEquals("ada@example.org", client.updateUser(ada.id, UserPatch(email = "ada@example.org")).email)
            assertEquals(UserRole.Admin, client.getUser(ada.id).role)
            assertEquals(client.getUsers(), client.getUsers(house.id))
            client.deleteUser(ada.id)
            assertEquals(emptyList<User>(), client.getUsers())

            val seen = client.logEvent(NewEvent("seen", Kind.Device, lamp.id, data = json("""{"n": 1}""")))
            client.logEvent(NewEvent("elsewhere", Kind.House, house.id))
            assertEquals(listOf(seen.id), client.getEvents(lamp.id, 5u).map { it.id })
            assertEquals(2, client.getEvents().size)
        }
    }

    @Test
    fun `every edit is accounted for`() = story {
        client(folder, "edits") { client ->
            val (_, room, lamp) = client.home()
            client.updateDevice(lamp.id, DevicePatch(name = "Lamp 2"))
            val told = client.explain(Kind.Device, lamp.id)
            assertEquals(EditOperation.CREATE, told.pending?.operation)
            assertTrue(told.freshness is Freshness.Pending && told.words.isNotEmpty())
            assertEquals(listOf("Lamp"), client.history(Kind.Device, lamp.id).map { it.record["name"].text() })
            val pending = client.pendingChanges()
            assertEquals(setOf(Kind.House, Kind.Room, Kind.Device), pending.map { it.kind }.toSet())
            assertTrue(pending.all { it.state == PendingState.QUEUED && it.attempts == 0uL })
            client.discard(Kind.Device, lamp.id)
            assertEquals(emptyList<Device>(), client.getDevices(room.id))
            val discarded = client.conflicts().single()
            assertEquals("discarded" to Loser.LOCAL, discarded.reason to discarded.loser)
            assertEquals("Lamp 2", client.restore(discarded.conflictId)["name"].text())
            assertEquals(listOf("Lamp 2"), client.getDevices().map { it.name })
            assertEquals(emptyList<Conflict>(), client.conflicts())
            client.discard(Kind.Device, lamp.id)
            client.dismiss(client.conflicts().single().conflictId)
            assertEquals(emptyList<Conflict>(), client.conflicts())
            assertEquals(0uL, client.retryFailed())
            assertEquals(2uL, fails<WildThingException.UnsentEdits> { client.reset() }.count)
            client.reset(force = true)
            assertEquals(emptyList<House>(), client.getHouses())
        }
    }

    @Test
    fun `names in every script`() = story {
        val names = listOf("👩‍👩‍👧 Lampe 🏡", "غرفة الجلوس", "חדר שינה", "部屋", "e\u0301 \u202Eabc\u202C")
        client(folder, "names") { client ->
            val (_, room, _) = client.home()
            for (name in names) {
                val device = client.createDevice(NewDevice(room.id, name))
                assertEquals(name, client.getDevice(device.id).name)
            }
        }
        client(folder, "names") { client ->
            assertTrue(client.getDevices().map { it.name }.containsAll(names))
        }
    }
}
