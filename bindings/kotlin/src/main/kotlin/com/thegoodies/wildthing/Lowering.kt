// Arguments that cannot cross to the library: each is the caller's mistake, and
// told as such. The generated sources lower every argument through `lowered`.

package com.thegoodies.wildthing

import java.nio.charset.CharacterCodingException

internal inline fun <T> lowered(argument: String, lower: () -> T): T =
    try {
        lower()
    } catch (_: CharacterCodingException) {
        throw WildThingException.Invalid(argument, "half of a character (a lone surrogate) is no text")
    } catch (error: IllegalArgumentException) {
        throw WildThingException.Invalid(argument, error.message ?: "not acceptable")
    }
