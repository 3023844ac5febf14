// swift-tools-version: 6.2
import PackageDescription

let firstParty: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .treatAllWarnings(as: .error),
]

extension Target.Dependency {
    static let argumentParser = product(name: "ArgumentParser", package: "swift-argument-parser")
    static let asyncAlgorithms = product(name: "AsyncAlgorithms", package: "swift-async-algorithms")
    static let asyncHTTPClient = product(name: "AsyncHTTPClient", package: "async-http-client")
    static let collections = product(name: "DequeModule", package: "swift-collections")
    static let crypto = product(name: "Crypto", package: "swift-crypto")
    static let httpTypes = product(name: "HTTPTypes", package: "swift-http-types")
    static let hummingbird = product(name: "Hummingbird", package: "hummingbird")
    static let hummingbirdCore = product(name: "HummingbirdCore", package: "hummingbird")
    static let hummingbirdTesting = product(name: "HummingbirdTesting", package: "hummingbird")
    static let inMemoryLogging = product(name: "InMemoryLogging", package: "swift-log")
    static let jwtKit = product(name: "JWTKit", package: "jwt-kit")
    static let logging = product(name: "Logging", package: "swift-log")
    static let metrics = product(name: "CoreMetrics", package: "swift-metrics")
    static let mustache = product(name: "Mustache", package: "swift-mustache")
    static let nioExtras = product(name: "NIOExtras", package: "swift-nio-extras")
    static let nioCore = product(name: "NIOCore", package: "swift-nio")
    static let nioHTTPTypes = product(name: "NIOHTTPTypes", package: "swift-nio-extras")
    static let nioHTTP1 = product(name: "NIOHTTP1", package: "swift-nio")
    static let nioPosix = product(name: "NIOPosix", package: "swift-nio")
    static let serviceLifecycle = product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
    static let subprocess = product(name: "Subprocess", package: "swift-subprocess")
    static let systemPackage = product(name: "SystemPackage", package: "swift-system")
    static let unixSignals = product(name: "UnixSignals", package: "swift-service-lifecycle")
}

/// One target of ours: where it lives follows from its ring, and it declares exactly what it imports.
func module(_ name: String, in ring: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: dependencies, path: "Sources/\(ring)/\(name)", swiftSettings: firstParty)
}

func command(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .executableTarget(
        name: name, dependencies: dependencies, path: "Sources/Commands/\(name)", swiftSettings: firstParty)
}

func tests(of name: String, in ring: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .testTarget(
        name: "\(name)Tests", dependencies: dependencies, path: "Tests/\(ring)/\(name)Tests",
        swiftSettings: firstParty)
}

let package = Package(
    name: "bus-integration-stripe",
    platforms: [.macOS(.v15)],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser.git", exact: "1.8.2"),
        .package(url: "https://github.com/apple/swift-async-algorithms.git", exact: "1.1.4"),
        .package(url: "https://github.com/apple/swift-collections.git", exact: "1.6.0"),
        .package(url: "https://github.com/apple/swift-crypto.git", exact: "4.5.2"),
        .package(url: "https://github.com/apple/swift-http-types.git", exact: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log.git", exact: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics.git", exact: "2.13.0"),
        .package(url: "https://github.com/apple/swift-nio.git", exact: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-extras.git", exact: "1.35.2"),
        .package(url: "https://github.com/apple/swift-system.git", exact: "1.8.1"),
        // Its default traits load the whole of Foundation into every service (FootprintTests).
        .package(url: "https://github.com/hummingbird-project/hummingbird.git", exact: "2.28.1", traits: []),
        .package(url: "https://github.com/hummingbird-project/swift-mustache.git", exact: "2.1.1"),
        .package(url: "https://github.com/swift-server/async-http-client.git", exact: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle.git", exact: "2.13.0"),
        .package(url: "https://github.com/swiftlang/swift-subprocess.git", exact: "1.0.2"),
        .package(url: "https://github.com/vapor/jwt-kit.git", exact: "5.7.1"),
    ],
    targets: [
        // Core: no I/O, no clock, no randomness.
        module("BusCore", in: "Core"),
        module("BusContract", in: "Core", ["BusCore"]),
        module("BillingCore", in: "Core", ["BusCore", "BusContract", .crypto]),
        module("StripeCore", in: "Core", ["BusCore", "BusContract", "BillingCore", .crypto]),
        module("SandboxWorld", in: "Core", ["BusCore"]),

        // Platform: one adapter to the outside each.
        .systemLibrary(
            name: "CSQLite", path: "Sources/Platform/CSQLite", providers: [.apt(["libsqlite3-dev"])]),
        .systemLibrary(
            name: "CPQ", path: "Sources/Platform/CPQ", providers: [.apt(["libpq-dev"])]),
        module(
            "BusSQL", in: "Platform",
            [
                "BusCore", "BusContract", "BusRuntime", "CPQ", "CSQLite", .collections, .crypto, .logging, .nioPosix,
                .serviceLifecycle,
            ]),
        module("BusRuntime", in: "Platform", ["BusCore", .logging, .metrics, .serviceLifecycle, .unixSignals]),
        module("BusLoops", in: "Platform", ["BusRuntime", .nioCore, .nioPosix]),
        module("BusCLI", in: "Platform", ["BusCore", "BusContract", "BusRuntime", .argumentParser, .nioCore]),
        module("BusAuth", in: "Platform", ["BusCore", "BusContract", "BusRuntime", .jwtKit]),
        module(
            "BusServer", in: "Platform",
            [
                "BusCore", "BusContract", "BusAuth", "BusLoops", "BusRuntime", .httpTypes, .hummingbird,
                .hummingbirdCore, .logging, .metrics, .nioCore, .nioHTTP1, .nioHTTPTypes, .nioPosix, .serviceLifecycle,
            ]),
        module(
            "BusPages", in: "Platform",
            ["BusCore", "BusContract", "BusServer", .httpTypes, .hummingbird, .hummingbirdCore, .mustache, .nioCore]),
        module(
            "BusClient", in: "Platform",
            [
                "BusCore", "BusContract", "BusLoops", "BusRuntime", .asyncHTTPClient, .collections, .logging, .metrics,
                .nioCore, .nioHTTP1, .nioPosix, .serviceLifecycle,
            ]),
        module(
            "StripeClient", in: "Platform",
            [
                "BusCore", "BusContract", "BillingCore", "StripeCore", "BusLoops", "BusRuntime", .asyncHTTPClient,
                .logging, .nioCore, .nioHTTP1, .nioPosix,
            ]),
        module(
            "BillingStorage", in: "Platform",
            ["BusCore", "BusContract", "BillingCore", "BusSQL", "BusRuntime", .crypto]),

        // Services: never import each other.
        module(
            "EventsAPI", in: "Services",
            [
                "BusCore", "BusContract", "BusSQL", "BusAuth", "BusLoops", "BusRuntime", "BusServer", .httpTypes,
                .hummingbird, .logging, .metrics, .nioCore, .serviceLifecycle,
            ]),
        module(
            "StripeIntegration", in: "Services",
            [
                "BusCore", "BusContract", "BillingCore", "StripeCore", "StripeClient", "BusClient", "BusLoops",
                "BusRuntime", "BusServer", .asyncHTTPClient, .collections, .httpTypes, .hummingbird, .logging,
                .metrics, .nioCore, .nioExtras, .nioHTTP1, .nioPosix, .serviceLifecycle,
            ]),

        module(
            "BillingWorker", in: "Services",
            [
                "BusCore", "BusContract", "BillingCore", "BillingStorage", "BusSQL", "BusClient", "BusLoops",
                "BusRuntime", "BusServer", .asyncHTTPClient, .crypto, .logging, .metrics, .serviceLifecycle,
            ]),
        module(
            "BillingAPI", in: "Services",
            [
                "BusCore", "BusContract", "BillingCore", "BillingStorage", "BusSQL", "BusAuth", "BusClient",
                "BusLoops", "BusRuntime", "BusServer", .asyncHTTPClient, .httpTypes, .hummingbird, .hummingbirdCore,
                .logging, .nioCore, .serviceLifecycle,
            ]),

        module(
            "StripeSandbox", in: "Services",
            [
                "BusCore", "BusContract", "BillingCore", "SandboxWorld", "StripeClient", "BusPages", "BusRuntime",
                "BusServer", .asyncHTTPClient, .crypto, .httpTypes, .hummingbird, .hummingbirdCore, .logging, .nioCore,
                .nioHTTP1, .nioHTTPTypes, .serviceLifecycle,
            ]),

        // Commands: flags to settings to run.
        module(
            "BusCommands", in: "Commands",
            [
                "BusCore", "BusContract", "BillingCore", "StripeCore", "BusAuth", "BusClient", "BusRuntime", "BusCLI",
                "StripeClient", .argumentParser, .asyncHTTPClient, .logging, .unixSignals,
            ]),
        command("bus", ["BusCommands"]),
        command("bus-api-provider-billing", ["BusCLI", "BusClient", "BillingAPI"]),
        command("bus-api-provider-events", ["BusRuntime", "BusCLI", "BusSQL", "EventsAPI"]),
        command(
            "bus-integration-billing",
            ["BusContract", "BusCLI", "BusClient", "BusRuntime", "BusSQL", "BillingStorage", "BillingWorker"]),
        command("bus-integration-stripe", ["BusContract", "BusCLI", "BusClient", "StripeIntegration"]),
        command("bus-stripe-sandbox", ["BusCLI", "StripeSandbox"]),
        command(
            "bus-local",
            [
                "BusCore", "BusContract", "BillingCore", "StripeCore", "SandboxWorld", "BusRuntime", "BusCLI",
                "BusAuth", "BusClient", "BusPages", "BusServer", "BusSQL", "BillingStorage", "StripeClient",
                "BillingAPI", "BillingWorker", "EventsAPI", "StripeIntegration", "StripeSandbox", .asyncAlgorithms,
                .asyncHTTPClient, .httpTypes, .hummingbird, .hummingbirdCore, .logging, .nioCore, .nioHTTP1,
                .serviceLifecycle,
            ]),

        // What `make bench` measures from inside; nothing of it is installed.
        .executableTarget(
            name: "billing-bench",
            dependencies: [
                "BusCore", "BusContract", "BillingCore", "BillingStorage", "BillingWorker", "BusClient", "BusLoops",
                "BusRuntime", "BusSQL", .argumentParser, .asyncHTTPClient, .logging, .serviceLifecycle,
            ],
            path: "Benchmarks/billing", swiftSettings: firstParty),

        // Tests.
        .target(
            name: "TestSupport",
            dependencies: [
                "BusCore", "BusContract", "BillingCore", "SandboxWorld", .asyncHTTPClient, .crypto, .nioCore, .nioHTTP1,
                .nioPosix, .subprocess, .systemPackage,
            ],
            path: "Tests/Support/TestSupport",
            resources: [.copy("Fixtures")], swiftSettings: firstParty),
        .target(
            name: "StripeTestSupport",
            dependencies: [
                "BusCore", "BusRuntime", "BusServer", "SandboxWorld", "StripeSandbox", "TestSupport", .asyncHTTPClient,
                .logging, .nioCore, .nioHTTP1, .serviceLifecycle,
            ],
            path: "Tests/Support/StripeTestSupport", swiftSettings: firstParty),
        .target(
            name: "StoreTestSupport", dependencies: ["BusCore", "BusSQL", "TestSupport"],
            path: "Tests/Support/StoreTestSupport", swiftSettings: firstParty),
        tests(of: "BusCore", in: "Core", ["BusCore", "TestSupport"]),
        tests(of: "BusContract", in: "Core", ["BusCore", "BusContract", "TestSupport"]),
        tests(of: "BillingCore", in: "Core", ["BusCore", "BusContract", "BillingCore", "TestSupport"]),
        tests(
            of: "StripeCore", in: "Core",
            ["BusCore", "BusContract", "BillingCore", "SandboxWorld", "StripeCore", "TestSupport"]),
        tests(of: "SandboxWorld", in: "Core", ["BusCore", "SandboxWorld", "TestSupport"]),
        tests(
            of: "BusSQL", in: "Platform",
            ["BusCore", "BusContract", "BusRuntime", "BusSQL", "StoreTestSupport", "TestSupport"]),
        tests(
            of: "BusRuntime", in: "Platform",
            ["BusCore", "BusContract", "BusRuntime", "TestSupport", .logging, .metrics]),
        tests(of: "BusAuth", in: "Platform", ["BusCore", "BusContract", "BusAuth", "TestSupport", .crypto]),
        tests(of: "BusLoops", in: "Platform", ["BusLoops", "BusRuntime", .nioCore, .nioPosix]),
        tests(of: "BusPages", in: "Platform", ["BusCore", "BusPages"]),
        tests(of: "BusServer", in: "Platform", ["BusServer", "TestSupport", .nioCore, .nioHTTP1, .nioPosix]),
        tests(
            of: "BusClient", in: "Platform",
            [
                "BusCore", "BusContract", "BusClient", "BusLoops", "BusRuntime", "TestSupport", .asyncHTTPClient,
                .logging, .metrics, .nioCore, .nioHTTP1, .nioPosix, .serviceLifecycle,
            ]),
        tests(
            of: "StripeClient", in: "Platform",
            [
                "BusCore", "BusContract", "BillingCore", "StripeCore", "StripeClient", "StripeTestSupport",
                "TestSupport", .asyncHTTPClient, .logging,
            ]),
        tests(
            of: "BillingStorage", in: "Platform",
            [
                "BusCore", "BusContract", "BillingCore", "BillingStorage", "BusSQL", "BusRuntime", "CSQLite",
                "StoreTestSupport", "TestSupport",
            ]),
        tests(
            of: "EventsAPI", in: "Services",
            [
                "BusCore", "BusContract", "BusSQL", "BusAuth", "BusRuntime", "BusServer", "EventsAPI",
                "StoreTestSupport", "TestSupport", .httpTypes, .hummingbird, .hummingbirdTesting, .logging, .nioCore,
                .nioHTTP1, .nioPosix, .serviceLifecycle,
            ]),
        tests(
            of: "StripeIntegration", in: "Services",
            [
                "BusCore", "BusContract", "BillingCore", "StripeCore", "StripeClient", "StripeIntegration", "BusClient",
                "BusRuntime", "BusServer", "StripeTestSupport", "TestSupport", .asyncHTTPClient, .httpTypes,
                .hummingbird, .hummingbirdTesting, .inMemoryLogging, .logging, .metrics, .nioCore, .nioPosix,
            ]),
        tests(
            of: "BillingWorker", in: "Services",
            [
                "BusCore", "BusContract", "BillingCore", "BillingStorage", "BillingWorker", "BusSQL", "BusClient",
                "BusLoops", "BusRuntime", "StoreTestSupport", "TestSupport", .inMemoryLogging, .logging,
                .serviceLifecycle,
            ]),
        tests(
            of: "BillingAPI", in: "Services",
            [
                "BusCore", "BusContract", "BillingCore", "BillingStorage", "BusSQL", "BusAuth", "BusClient",
                "BusRuntime", "BusServer", "BillingAPI", "TestSupport", .httpTypes, .hummingbird, .hummingbirdTesting,
                .logging, .nioCore,
            ]),
        tests(
            of: "StripeSandbox", in: "Services",
            [
                "BusCore", "BusContract", "BillingCore", "SandboxWorld", "StripeCore", "StripeClient", "StripeSandbox",
                "BusRuntime", "BusServer", "TestSupport", .asyncHTTPClient, .hummingbird, .hummingbirdTesting, .logging,
                .nioHTTP1,
            ]),
        tests(
            of: "BusCommands", in: "Commands",
            [
                "BusCore", "BusContract", "BusCommands", "BusRuntime", "BusCLI", "StripeTestSupport", "TestSupport",
                .argumentParser, "bus",
            ]),
        .testTarget(
            name: "EndToEndTests",
            dependencies: [
                "BusCore", "BusContract", "BillingCore", "BusSQL", "BusAuth", "BusClient", "BusRuntime",
                "StoreTestSupport", "StripeTestSupport", "TestSupport", .asyncHTTPClient, .logging, .serviceLifecycle,
                "bus", "bus-api-provider-billing", "bus-api-provider-events", "bus-integration-billing",
                "bus-integration-stripe", "bus-local", "bus-stripe-sandbox",
            ],
            path: "Tests/EndToEnd", swiftSettings: firstParty),
    ]
)
