// Arguments that cannot cross to the library: each is the caller's mistake, and
// told as such. The generated sources lower every argument through `lowered`.

package com.thegoodies.wildthing

import java.nio.charset.CharacterCodingException

/** [before] is what is lowered already for the same call, which is not made if this throws. */
internal inline fun <T> lowered(argument: String, vararg before: Any, lower: () -> T): T =
    try {
        lower()
    } catch (error: Throwable) {
        before.forEach { if (it is RustBuffer.ByValue) RustBuffer.free(it) }
        throw refusal(argument, error)
    }

internal fun refusal(argument: String, error: Throwable): Throwable =
    when (error) {
        is CharacterCodingException ->
            WildThingException.Invalid(argument, "half of a character (a lone surrogate) is no text")
        is IllegalArgumentException -> WildThingException.Invalid(argument, error.message ?: "not acceptable")
        else -> error
    }
