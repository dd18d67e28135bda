// Arguments, from JSON to the types of the API: a record's fields and a call's
// parameters go by their names. What nobody takes is an error of the scenario.

package com.thegoodies.wildthing.conformance

import kotlin.reflect.KClass
import kotlin.reflect.KFunction
import kotlin.reflect.KParameter
import kotlin.reflect.KType
import kotlin.reflect.full.primaryConstructor
import kotlin.reflect.full.valueParameters
import kotlin.reflect.typeOf
import kotlin.time.Duration
import kotlin.time.Duration.Companion.milliseconds
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonNull
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.boolean
import kotlinx.serialization.json.double
import kotlinx.serialization.json.int
import kotlinx.serialization.json.jsonArray
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.jsonPrimitive
import kotlinx.serialization.json.long

/** `getRoom` as `get_room`. */
internal fun snakeCase(name: String): String =
    name.replace(Regex("(?<=[a-z0-9])[A-Z]")) { "_${it.value}" }.lowercase()

internal fun JsonObject.text(name: String): String = read(this[name])

internal fun JsonObject.number(name: String): Int = read(this[name])

/** An argument that is alone. */
internal inline fun <reified T : Any> JsonObject.only(name: String): T {
    require(keys == setOf(name)) { "$name, and nothing but it" }
    return read(this[name])
}

internal inline fun <reified T : Any> read(value: JsonElement?): T =
    read(typeOf<T>(), requireNotNull(value) { "an argument is missing" }) as T

/** The arguments that are there, for a call or a constructor; others have their defaults. */
internal fun KFunction<*>.given(fields: JsonObject): Map<KParameter, Any?> {
    val unknown = fields.keys - valueParameters.map { snakeCase(it.name.orEmpty()) }
    require(unknown.isEmpty()) { "$name takes no $unknown" }
    val given = HashMap<KParameter, Any?>()
    for (parameter in valueParameters) {
        val value = fields[snakeCase(parameter.name.orEmpty())] ?: JsonNull
        if (value != JsonNull) {
            given[parameter] = read(parameter.type, value)
        } else if (!parameter.isOptional) {
            require(parameter.type.isMarkedNullable) { "$name needs ${parameter.name}" }
            given[parameter] = null
        }
    }
    return given
}

internal fun read(type: KType, value: JsonElement): Any =
    when (val wanted = type.classifier as KClass<*>) {
        JsonElement::class -> value
        JsonObject::class -> value.jsonObject
        String::class -> value.jsonPrimitive.also { require(it.isString) { "$it is no text" } }.content
        Boolean::class -> value.jsonPrimitive.boolean
        Double::class -> value.jsonPrimitive.double
        Int::class -> value.jsonPrimitive.int
        Long::class -> value.jsonPrimitive.long
        UInt::class -> value.jsonPrimitive.content.toUInt()
        Duration::class -> value.jsonPrimitive.long.milliseconds
        List::class -> value.jsonArray.map { read(checkNotNull(type.arguments.single().type), it) }
        else -> if (wanted.isData) record(wanted, value.jsonObject) else word(wanted, read(value))
    }

private fun record(wanted: KClass<*>, fields: JsonObject): Any {
    val make = checkNotNull(wanted.primaryConstructor)
    return make.callBy(make.given(fields))
}

/** An enum's value; of a sealed class with one variant for the words that are not known. */
private fun word(wanted: KClass<*>, word: String): Any {
    val known = wanted.java.enumConstants?.associateBy { (it as Enum<*>).name.lowercase() }
        ?: wanted.sealedSubclasses.mapNotNull { it.objectInstance }.associateBy { variantWord(it) }
    val other = wanted.sealedSubclasses.firstOrNull { it.objectInstance == null }
    return known[word]
        ?: requireNotNull(other?.primaryConstructor) { "${wanted.simpleName} has no $word" }.call(word)
}
