// How much memory is in use beside the JVM's heap, as glibc counts it.

package com.thegoodies.wildthing

import com.sun.jna.Function
import com.sun.jna.Structure

object NativeMemory {
    private val mallinfo = runCatching { Function.getFunction("c", "mallinfo2") }.getOrNull()

    /** Not every system's C library is a glibc, and a new one. */
    val isCounted: Boolean get() = mallinfo != null

    fun inUse(): Long {
        val info = checkNotNull(mallinfo).invoke(Info::class.java, emptyArray()) as Info
        return info.hblkhd + info.uordblks
    }

    /** `struct mallinfo2`: what is mapped for large blocks, and what is in use of the rest. */
    @Suppress("SpellCheckingInspection")
    @Structure.FieldOrder(
        "arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost",
    )
    class Info : Structure(), Structure.ByValue {
        @JvmField var arena = 0L
        @JvmField var ordblks = 0L
        @JvmField var smblks = 0L
        @JvmField var hblks = 0L
        @JvmField var hblkhd = 0L
        @JvmField var usmblks = 0L
        @JvmField var fsmblks = 0L
        @JvmField var uordblks = 0L
        @JvmField var fordblks = 0L
        @JvmField var keepcost = 0L
    }
}
