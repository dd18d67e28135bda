// The native library comes from the class path, as it does from the jar, and not
// from wherever this machine has one.

package com.thegoodies.wildthing

import com.sun.jna.NativeLibrary
import com.sun.jna.Platform
import kotlin.io.path.Path
import kotlin.io.path.toPath
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Test

class JarTest {
    @Test
    fun `the library is the one that was packed`() {
        val name = "/${Platform.RESOURCE_PREFIX}/${System.mapLibraryName("wildthing")}"
        val packed = checkNotNull(javaClass.getResource(name)) { "no $name on the class path" }
        uniffiEnsureInitialized()
        assertEquals(packed.toURI().toPath(), Path("${NativeLibrary.getInstance("wildthing").file}"))
    }
}
