// swift-tools-version: 6.0
//
// Uses WildThing as an app does, against real hub processes. `cargo xtask swift`
// runs its tests; it says where the engine and the hub are.
//
// - `house`: the sample to copy from, a terminal that shows a house live.
// - `costs`: what calls cost.
// - `hubs`: starts hubs for tests that can't, on a simulator.
// - `HarnessSupport`: hubs to talk to, real and bad ones.
// - `CoreTesting`: what the engine tells tests only.
// - `Snippets`: what the documentation shows.
// - `WildThingTests`: what a user of the package would notice.
//
// `Conformance` is a package of its own, on a library that has more in it.

import PackageDescription

let package = Package(
    name: "swift-harness",
    platforms: [.iOS(.v17), .macOS(.v14)],
    products: [
        // By itself, for systems where processes can't be started.
        .library(name: "Snippets", targets: ["Snippets"])
    ],
    dependencies: [
        .package(name: "WildThing", path: "..")
    ],
    targets: [
        .executableTarget(
            name: "house", dependencies: [.product(name: "WildThing", package: "WildThing")]),
        .executableTarget(
            name: "costs", dependencies: [.product(name: "WildThing", package: "WildThing")]),
        .executableTarget(name: "hubs", dependencies: ["HarnessSupport"]),
        .target(
            name: "Snippets", dependencies: [.product(name: "WildThing", package: "WildThing")]),
        .target(name: "HarnessSupport"),
        .target(name: "CoreTesting"),
        .testTarget(
            name: "WildThingTests",
            dependencies: [
                "HarnessSupport", "CoreTesting", "Snippets", .product(name: "WildThing", package: "WildThing"),
            ]
        ),
    ],
    swiftLanguageModes: [.v6]
)
