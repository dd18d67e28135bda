// What calls give, as JSON by the rules of `docs/conformance.md`: from Kotlin's own
// values, every property under its name, what is absent left out.

package com.thegoodies.wildthing.conformance

import com.thegoodies.wildthing.ChangeEvent
import com.thegoodies.wildthing.DeviceType
import com.thegoodies.wildthing.Freshness
import com.thegoodies.wildthing.Kind
import com.thegoodies.wildthing.UserRole
import com.thegoodies.wildthing.WildThingException
import java.time.Duration
import java.time.Instant
import java.time.ZoneOffset
import java.time.format.DateTimeFormatter
import kotlin.reflect.full.declaredMemberProperties
import kotlinx.serialization.ExperimentalSerializationApi
import kotlinx.serialization.json.JsonArray
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonNull
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive

private val TIME = DateTimeFormatter.ofPattern("uuuu-MM-dd'T'HH:mm:ss.SSSSSS").withZone(ZoneOffset.UTC)

@OptIn(ExperimentalSerializationApi::class)
internal fun shown(value: Any?): JsonElement =
    when (value) {
        null, Unit -> JsonNull
        is JsonElement -> value
        is String -> JsonPrimitive(value)
        is Boolean -> JsonPrimitive(value)
        is Number -> JsonPrimitive(value)
        is UShort -> JsonPrimitive(value)
        is UInt -> JsonPrimitive(value)
        is ULong -> JsonPrimitive(value)
        is Instant -> JsonPrimitive(TIME.format(value))
        is Duration -> JsonPrimitive(value.toMillis())
        is List<*> -> JsonArray(value.map(::shown))
        is Map<*, *> -> JsonObject(value.entries.associate { (name, item) -> name as String to shown(item) })
        is Enum<*> -> JsonPrimitive(value.name.lowercase())
        is Kind -> JsonPrimitive(if (value is Kind.Other) value.name else variantWord(value))
        is DeviceType -> JsonPrimitive(if (value is DeviceType.Unknown) value.name else variantWord(value))
        is UserRole -> JsonPrimitive(if (value is UserRole.Unknown) value.name else variantWord(value))
        is ChangeEvent, is Freshness, is WildThingException ->
            JsonObject(fields(value) + ("is" to JsonPrimitive(variantWord(value))))
        else -> {
            check(value::class.isData) { "${value::class} has no rule" }
            JsonObject(fields(value))
        }
    }

/** The word of a variant, which is a class. */
internal fun variantWord(variant: Any): String = snakeCase(checkNotNull(variant::class.simpleName))

private fun fields(value: Any): Map<String, JsonElement> =
    value::class.declaredMemberProperties
        // The words of an error are for people.
        .filterNot { value is Throwable && it.name == Throwable::message.name }
        .associate { snakeCase(it.name) to shown(it.getter.call(value)) }
        .filterValues { it != JsonNull }
