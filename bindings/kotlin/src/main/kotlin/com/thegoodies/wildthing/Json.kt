// How JSON crosses to the library and back: as text, which kotlinx.serialization
// reads and writes. Numbers keep their digits: an integer of any size stays one.
// The generated sources call these functions (`uniffi.toml` names them).

package com.thegoodies.wildthing

import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonArray
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive
import kotlinx.serialization.json.jsonObject

internal fun jsonElement(text: String): JsonElement = Json.parseToJsonElement(text)

// Most records have nothing in `extra`: that costs no parser.
internal fun jsonObject(text: String): JsonObject = if (text == "{}") EMPTY else jsonElement(text).jsonObject

private val EMPTY = JsonObject(emptyMap())

// The library would call it an error of the binding's; it is the caller's.
internal fun jsonText(element: JsonElement): String {
    check(element)
    return element.toString()
}

private fun check(element: JsonElement) {
    when (element) {
        is JsonObject -> element.values.forEach(::check)
        is JsonArray -> element.forEach(::check)
        is JsonPrimitive ->
            if (!element.isString && element.content in NOT_NUMBERS) {
                throw WildThingException.Invalid("json", "JSON has no number ${element.content}")
            }
    }
}

private val NOT_NUMBERS = setOf("NaN", "Infinity", "-Infinity")
