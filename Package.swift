// swift-tools-version: 6.2
import PackageDescription

/// Every target of our own is built the same way: Swift 6 mode, each unsafe operation spelled out,
/// imports internal unless said otherwise, and no warning let through.
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .strictMemorySafety(),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("ExistentialAny"),
    .treatAllWarnings(as: .error),
]

func library(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: strict)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(name: "\(name)Tests", dependencies: dependencies, swiftSettings: strict)
}

let package = Package(
    name: "roost",
    products: [.executable(name: "roost", targets: ["roost"])],
    targets: [
        // C libraries: a module map and a shim header each.
        .systemLibrary(name: "CMalloc"),
        .systemLibrary(name: "CUV"),
        .systemLibrary(name: "CNghttp2"),
        .systemLibrary(name: "CHTTPParser"),
        .systemLibrary(name: "CWslay"),
        .systemLibrary(name: "CCurl"),
        .systemLibrary(name: "CProtobufC"),
        .systemLibrary(name: "CDeflate"),
        .systemLibrary(name: "CZlib"),
        .systemLibrary(name: "CZstd"),
        .systemLibrary(name: "CYAML"),
        .systemLibrary(name: "CSQLite"),
        .systemLibrary(name: "COpenSSL"),
        // Generated from Protos/ by protoc-c.
        .target(
            name: "COTLP", dependencies: ["CProtobufC"],
            linkerSettings: [.linkedLibrary("protobuf-c")]),

        // Looks for short texts with vector instructions, which Swift has no door to.
        .target(name: "CScan"),
        // The table of prices, made by Prices/generate.py.
        .target(name: "CPrices"),

        // Walks the loaded libraries, whose shape Swift's Glibc does not have.
        .target(name: "CPages"),

        // A target imports nothing that stands below it here.
        library("RoostCore", ["CMalloc", "CPages"]),
        library("RoostCompression", ["RoostCore", "CDeflate", "CZlib", "CZstd"]),
        library("RoostWire", ["RoostCore", "COTLP", "CProtobufC", "CScan"]),
        library("RoostMetrics", ["RoostCore", "RoostWire"]),
        .target(
            name: "RoostIngest",
            dependencies: ["RoostCore", "RoostWire", "RoostMetrics", "CScan", "CPrices"],
            resources: [.embedInCode("Names/names.yaml")], swiftSettings: strict),
        library("RoostAnalytics", ["RoostCore", "RoostWire", "RoostIngest"]),
        library("RoostAudit", ["RoostCore", "COpenSSL"]),
        library("RoostQueue", ["RoostCore"]),
        library(
            "RoostNet",
            [
                "RoostCore", "RoostCompression", "CUV", "CNghttp2", "CHTTPParser", "CWslay",
                "COpenSSL",
            ]),
        library("RoostHTTPClient", ["RoostCore", "CCurl"]),
        library(
            "RoostStore",
            ["RoostCore", "RoostWire", "RoostIngest", "RoostAnalytics", "CSQLite", "CZstd"]),
        library(
            "RoostCollector",
            [
                "RoostCore", "RoostCompression", "RoostWire", "RoostMetrics", "RoostIngest",
                "RoostNet", "RoostHTTPClient", "RoostAnalytics", "RoostAudit", "RoostQueue",
                "RoostStore", "CYAML",
            ]),
        .target(
            name: "RoostWeb",
            dependencies: [
                "RoostCore", "RoostWire", "RoostMetrics", "RoostIngest", "RoostNet",
                "RoostCollector", "RoostAnalytics", "RoostAudit", "RoostStore",
                "RoostCompression",
            ],
            resources: [.embedInCode("API/schemas.json")], swiftSettings: strict),
        library("RoostDemo", ["RoostCore", "RoostWire", "RoostHTTPClient"]),
        .executableTarget(
            name: "roost",
            dependencies: [
                "RoostCore", "RoostIngest", "RoostCollector", "RoostWeb", "RoostDemo", "RoostNet",
                "RoostHTTPClient", "RoostAudit",
            ],
            swiftSettings: strict),
        // Drives the JSON transcoder from Tests/EndToEnd.
        .executableTarget(
            name: "json-dump", dependencies: ["RoostCore", "RoostWire"], swiftSettings: strict),

        // Drives the export of traces from Tests/EndToEnd.
        .executableTarget(
            name: "trace-dump", dependencies: ["RoostCore", "RoostAnalytics"],
            swiftSettings: strict),

        // Prints a page of metrics for Tests/EndToEnd and measures the writers.
        .executableTarget(
            name: "exposition-sample", dependencies: ["RoostMetrics"], swiftSettings: strict),

        .executableTarget(
            name: "bench-net", dependencies: ["RoostCore", "RoostNet"], path: "Benchmarks/net",
            swiftSettings: strict),

        // For tests and measuring; not part of roost.
        .executableTarget(
            name: "wire-dump", dependencies: ["RoostCore", "RoostWire"], swiftSettings: strict),
        .executableTarget(
            name: "bench-analytics", dependencies: ["RoostCore", "RoostIngest", "RoostAnalytics"],
            path: "Benchmarks/analytics", swiftSettings: strict),
        .target(name: "CAllocations", path: "Benchmarks/CAllocations"),
        .executableTarget(
            name: "bench-wire",
            dependencies: [
                "RoostCore", "RoostWire", "RoostIngest", "RoostCollector", "CAllocations",
            ],
            path: "Benchmarks/wire", swiftSettings: strict),
        .executableTarget(
            name: "bench-series", dependencies: ["RoostCore", "RoostMetrics", "CAllocations"],
            path: "Benchmarks/series", swiftSettings: strict),
        .executableTarget(
            name: "bench-audit", dependencies: ["RoostCore", "RoostAudit"],
            path: "Benchmarks/audit", swiftSettings: strict),
        .executableTarget(
            name: "bench-queue", dependencies: ["RoostCore", "RoostQueue"],
            path: "Benchmarks/queue", swiftSettings: strict),

        .executableTarget(
            name: "bench-store",
            dependencies: [
                "RoostCore", "RoostWire", "RoostIngest", "RoostAnalytics", "RoostStore",
            ],
            path: "Benchmarks/store", swiftSettings: strict),

        tests("RoostCore", ["RoostCore"]),
        tests("RoostCompression", ["RoostCore", "RoostCompression"]),
        tests("RoostWire", ["RoostCore", "RoostWire"]),
        tests("RoostMetrics", ["RoostCore", "RoostWire", "RoostMetrics"]),
        tests("RoostIngest", ["RoostCore", "RoostWire", "RoostMetrics", "RoostIngest"]),
        tests("RoostAnalytics", ["RoostCore", "RoostWire", "RoostIngest", "RoostAnalytics"]),
        tests("RoostAudit", ["RoostCore", "RoostAudit"]),
        tests("RoostQueue", ["RoostCore", "RoostQueue"]),
        tests(
            "RoostStore",
            ["RoostCore", "RoostWire", "RoostIngest", "RoostAnalytics", "RoostStore"]),
        tests("RoostNet", ["RoostCore", "RoostCompression", "RoostNet", "CNghttp2", "COpenSSL"]),
        tests("RoostHTTPClient", ["RoostCore", "RoostHTTPClient", "RoostNet"]),
        tests(
            "RoostCollector",
            [
                "RoostCore", "RoostCompression", "RoostWire", "RoostMetrics", "RoostIngest",
                "RoostNet", "RoostHTTPClient", "RoostAnalytics", "RoostAudit", "RoostQueue",
                "RoostCollector",
            ]),
        tests(
            "RoostWeb",
            [
                "RoostCore", "RoostWire", "RoostMetrics", "RoostIngest", "RoostAnalytics",
                "RoostNet", "RoostStore", "RoostCollector", "RoostWeb",
            ]),
        tests("RoostDemo", ["RoostCore", "RoostWire", "RoostHTTPClient", "RoostDemo"]),
    ]
)

// Built by scripts/fuzz.sh alone, with the fuzzer's own entry point: no other build has it.
if Context.environment["ROOST_FUZZ"] != nil {
    package.targets.append(
        .executableTarget(
            name: "fuzz",
            dependencies: [
                "RoostCore", "RoostCompression", "RoostWire", "RoostMetrics", "RoostIngest",
                "RoostAnalytics", "RoostAudit", "RoostQueue", "RoostNet", "RoostCollector",
                "RoostStore", "RoostWeb",
            ],
            path: "Fuzz/Targets",
            swiftSettings: strict + [.unsafeFlags(["-parse-as-library"])]))
}
