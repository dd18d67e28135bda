// Plays the scenarios of a folder, or those that are named, and writes the
// transcript of each to `NAME.jsonl` in another:
//
//     conformance SCENARIOS FOLDER [NAME…]
//
// - `Stage`: what gives the orders; the one file that sees more than apps do.
// - `Play`: the loop, and what each order asks for.
// - `Calls`, `Arguments`, `Records`: the calls that a scenario can name.
// - `Render`, `Errors`: what came of them, as JSON.
import Foundation

/// The scenarios of a folder, by name: all, or those that are named.
func scenarios(in folder: URL, named names: [String]) throws -> [URL] {
    let found = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
        .filter { $0.pathExtension == "json" }
        .sorted { $0.lastPathComponent < $1.lastPathComponent }
    let known = found.map { $0.deletingPathExtension().lastPathComponent }
    if let unknown = names.first(where: { !known.contains($0) }) {
        throw Problem("there is no scenario \(unknown)")
    }
    return zip(known, found).filter { names.isEmpty || names.contains($0.0) }.map(\.1)
}

/// Plays all; says how many did not come to their end.
func run(_ folder: URL, into target: URL, names: [String]) throws -> Int {
    let files = FileManager.default
    try files.createDirectory(at: target, withIntermediateDirectories: true)
    let stages = files.temporaryDirectory
        .appendingPathComponent("wildthing-conformance-\(ProcessInfo.processInfo.processIdentifier)")
    defer { try? files.removeItem(at: stages) }
    var failed = 0
    for scenario in try scenarios(in: folder, named: names) {
        let name = scenario.deletingPathExtension().lastPathComponent
        let played = play(scenario, in: stages.appendingPathComponent(name))
        if let problem = played.problem {
            print("\(name): \(problem)")
            failed += 1
        }
        try Data(played.text.utf8).write(to: target.appendingPathComponent("\(name).jsonl"))
    }
    return failed
}

let words = CommandLine.arguments.dropFirst()
guard words.count >= 2 else {
    print("conformance SCENARIOS FOLDER [NAME…]")
    exit(2)
}
let folders = words.prefix(2).map { URL(fileURLWithPath: $0, isDirectory: true) }
do {
    exit(try run(folders[0], into: folders[1], names: Array(words.dropFirst(2))) == 0 ? 0 : 1)
} catch {
    print("conformance: \(error)")
    exit(1)
}
