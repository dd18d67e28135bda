// Plays the scenarios of a folder and writes their transcripts into another:
// `docs/conformance.md`. `Play` is the loop, `Calls` the calls that a scenario can
// name, `Arguments` and `Render` the rules for values.

package com.thegoodies.wildthing.conformance

import java.nio.file.Path
import kotlin.io.path.Path
import kotlin.io.path.createDirectories
import kotlin.io.path.createTempDirectory
import kotlin.io.path.div
import kotlin.io.path.listDirectoryEntries
import kotlin.io.path.nameWithoutExtension
import kotlin.io.path.writeText
import kotlin.system.exitProcess

/** `SCENARIOS FOLDER [NAME…]`: all scenarios, or those that are named. */
fun main(arguments: Array<String>) {
    require(arguments.size >= 2) { "usage: SCENARIOS FOLDER [NAME…]" }
    val (scenarios, folder) = arguments.map(::Path)
    val names = arguments.drop(2)
    folder.createDirectories()
    val failed = scenarios.listDirectoryEntries("*.json")
        .sortedBy { it.nameWithoutExtension }
        .filter { names.isEmpty() || it.nameWithoutExtension in names }
        .count { !came(it, folder) }
    exitProcess(if (failed == 0) 0 else 1)
}

/** Whether a scenario came to its end. */
private fun came(scenario: Path, folder: Path): Boolean {
    val name = scenario.nameWithoutExtension
    val stage = createTempDirectory("wildthing-conformance")
    val played = play(scenario, stage)
    (folder / "$name.jsonl").writeText(played.text)
    // A client that was let go may still be closing its file: what is left harms nobody.
    stage.toFile().deleteRecursively()
    played.problem?.let { System.err.println("$name: $it") }
    return played.problem == null
}
