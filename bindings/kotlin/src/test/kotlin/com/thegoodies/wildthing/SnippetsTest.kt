// Every Kotlin snippet in the README files is one that compiles.

package com.thegoodies.wildthing

import kotlin.io.path.Path
import kotlin.io.path.readText
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

class SnippetsTest {
    /** What stands between `// begin: name` and `// end`, without the indentation. */
    private val compiled = Regex("// begin: .*\n([\\s\\S]*?)\n *// end")
        .findAll(Path("src/snippets/kotlin/Snippets.kt").readText())
        .map { it.groupValues[1].trimIndent() }
        .toSet()

    private fun shown(file: String) = Regex("```kotlin\n([\\s\\S]*?)\n```")
        .findAll(Path(file).readText())
        .map { it.groupValues[1] }
        .toList()

    @Test
    fun `what is shown compiles, and what compiles is shown`() {
        val package_ = shown("README.md")
        val project = shown("../../README.md")
        assertTrue(project.isNotEmpty())
        for (snippet in package_ + project) {
            assertTrue(snippet in compiled, "not in Snippets.kt:\n$snippet")
        }
        assertEquals(compiled, package_.toSet())
    }
}
