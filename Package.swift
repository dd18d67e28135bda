// swift-tools-version: 6.0
//
// WildThing for Swift. SwiftPM wants its manifest at the root of the repository;
// everything else of the package is in `bindings/swift`.
//
// Where the engine, which is written in Rust, comes from is one switch, the
// environment variable WILDTHING_LIBRARY:
//
// - `released`  a released XCFramework, downloaded: what apps use.
// - `framework` the XCFramework that `cargo xtask xcframework` made in `target`.
// - `built`     the static library that cargo built; the linker finds it with
//               `swift build -Xlinker -L<folder>`, as `cargo xtask swift` calls it.
//               The only one on Linux.

import PackageDescription

/// The XCFramework of the release that this manifest belongs to. There is none yet;
/// then it is the one made here.
let released: (url: String, checksum: String)? = nil

#if os(Linux)
    let preset = "built"
#else
    let preset = released == nil ? "framework" : "released"
#endif

/// What has to be linked beside it: a system library does not name what it needs.
var linked: [LinkerSetting] = [
    .linkedFramework("Security", .when(platforms: [.iOS, .macOS])),
    .linkedFramework("CoreFoundation", .when(platforms: [.iOS, .macOS])),
    .linkedFramework("SystemConfiguration", .when(platforms: [.macOS])),
    .linkedLibrary("iconv", .when(platforms: [.iOS, .macOS])),
]
let engine: Target
switch (Context.environment["WILDTHING_LIBRARY"] ?? preset, released) {
case ("released", let released?):
    engine = .binaryTarget(name: "WildThingFFI", url: released.url, checksum: released.checksum)
case ("released", nil):
    fatalError("WILDTHING_LIBRARY is `released`, and there is no release yet: take `framework` or `built`")
case ("framework", _):
    engine = .binaryTarget(name: "WildThingFFI", path: "target/xcframework/WildThingFFI.xcframework")
case ("built", _):
    engine = .systemLibrary(name: "WildThingFFI", path: "bindings/swift/generated/WildThingFFI")
    linked.append(.linkedLibrary("wildthing"))
case (let unknown, _):
    fatalError("WILDTHING_LIBRARY is `\(unknown)`: take `released`, `framework` or `built`")
}

// Observation of Swift 6.0 on Linux lacks a symbol, and what is linked with it needs
// `-Xlinker --allow-shlib-undefined`. So `HouseModel`, which is for SwiftUI, is there
// only for those who ask for it, as the tests of this repository do.
let settings: [SwiftSetting] =
    Context.environment["WILDTHING_HOUSE_MODEL"] == nil ? [] : [.define("WILDTHING_HOUSE_MODEL")]

let package = Package(
    name: "WildThing",
    platforms: [.iOS(.v16), .macOS(.v13)],
    products: [
        .library(name: "WildThing", targets: ["WildThing"])
    ],
    targets: [
        engine,
        .target(
            name: "WildThing",
            dependencies: ["WildThingFFI"],
            path: "bindings/swift",
            exclude: ["generated/WildThingFFI"],
            sources: ["Sources/WildThing", "generated/WildThing.swift"],
            swiftSettings: settings,
            linkerSettings: linked
        ),
    ],
    swiftLanguageModes: [.v6]
)
