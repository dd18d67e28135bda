// JSON goes through unharmed: integers of any size, nesting, every kind of text.

package com.thegoodies.wildthing

import java.math.BigInteger
import java.nio.file.Path
import kotlinx.serialization.json.JsonArray
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonNull
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive
import kotlinx.serialization.json.buildJsonObject
import kotlinx.serialization.json.jsonPrimitive
import kotlinx.serialization.json.long
import kotlinx.serialization.json.put
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import org.junit.jupiter.params.ParameterizedTest
import org.junit.jupiter.params.provider.EnumSource

class JsonTest {
    @TempDir
    lateinit var folder: Path

    private val big = BigInteger.TWO.pow(80)

    private val all = buildJsonObject {
        put("big", JsonPrimitive(big))
        put("long", Long.MAX_VALUE)
        put("negative", -7)
        put("integer", 1)
        put("double", 1.5)
        put("whole double", 1.0)
        put("text", "1")
        put("quoted", "\"\\ \n\t\u0001 👩‍👩‍👧 غرفة")
        put("nothing", JsonNull)
        put("", JsonArray(List(1_000) { JsonPrimitive(it) }))
        put("long text", "é".repeat(100_000))
    }

    @ParameterizedTest
    @EnumSource
    fun `everything crosses to another client`(speech: Speech) = story {
        speech.hub(folder).use { hub ->
            client(folder, "ann", hub) { ann ->
                client(folder, "ben", hub) { ben ->
                    ann.sync()
                    val house = ann.createHouse(NewHouse("Cabin", settings = all))
                    assertEquals(all, ann.getHouse().settings)
                    ann.sync()
                    ben.sync()
                    assertEquals(all, ben.getHouse(house.id).settings)
                    val settings = ben.getHouse().settings as JsonObject
                    assertEquals(big, settings.getValue("big").jsonPrimitive.content.toBigInteger())
                    assertEquals(Long.MAX_VALUE, settings.getValue("long").jsonPrimitive.long)
                    assertEquals("1", settings.getValue("integer").toString())
                    assertEquals("\"1\"", settings.getValue("text").toString())
                }
            }
        }
    }

    @Test
    fun `deep nesting`() = story {
        client(folder, "deep") { client ->
            var deep: JsonElement = JsonPrimitive(big)
            repeat(40) { deep = JsonArray(listOf(deep)) }
            client.createHouse(NewHouse("Cabin", settings = deep))
            assertEquals(deep, client.getHouse().settings)
        }
    }

    @Test
    fun `what is no number is refused`() = story {
        client(folder, "nan") { client ->
            val (_, _, lamp) = client.home()
            val refused = fails<WildThingException.Invalid> {
                client.updateDeviceState(lamp.id, buildJsonObject { put("level", Double.NaN) })
            }
            assertEquals("JSON has no number NaN", refused.problem)
            assertEquals(json("{}"), client.getDeviceState(lamp.id).state)
        }
    }
}
