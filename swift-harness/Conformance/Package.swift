// swift-tools-version: 6.0
//
// Plays the scenarios of `tests/conformance` through the Swift package; the rules
// are in `docs/conformance.md`. `cargo xtask conformance` puts this manifest into
// a folder of its own, beside copies of the layer's sources, of those generated from
// a library with the stage, and of the runner's: the package that apps use has no
// stage in it.

import PackageDescription

let package = Package(
    name: "conformance",
    platforms: [.macOS(.v13)],
    targets: [
        .systemLibrary(name: "WildThingFFI", path: "WildThing/Generated/WildThingFFI"),
        .target(
            name: "WildThing",
            dependencies: ["WildThingFFI"],
            path: "WildThing",
            exclude: ["Generated/WildThingFFI"],
            linkerSettings: [
                .linkedLibrary("wildthing"),
                .linkedFramework("Security", .when(platforms: [.macOS])),
                .linkedFramework("CoreFoundation", .when(platforms: [.macOS])),
                .linkedFramework("SystemConfiguration", .when(platforms: [.macOS])),
                .linkedLibrary("iconv", .when(platforms: [.macOS])),
            ]
        ),
        .executableTarget(name: "conformance", dependencies: ["WildThing"], path: "Runner"),
    ],
    swiftLanguageModes: [.v6]
)
