import FoundationEssentials
import TestSupport
import Testing

/// Each service as systemd starts it with `Type=notify`: ready, alive, stopping.
@Suite(.timeLimit(.minutes(3))) struct SupervisorJourney {
    /// A program and its settings.
    struct Program: Sendable, CustomTestStringConvertible {
        let name: String
        let arguments: @Sendable (Deployment) -> [String]
        let environment: @Sendable (Deployment) -> [String: String]
        /// Listeners that are up before it is ready.
        let listeners: Set<String>

        var testDescription: String { name }
    }

    static let programs = [
        Program(
            name: "bus-api-provider-events", arguments: \.eventsArguments, environment: \.eventsEnvironment,
            listeners: [Listener.events, Listener.operations]),
        Program(
            name: "bus-integration-stripe", arguments: { $0.stripeArguments() }, environment: \.stripeEnvironment,
            listeners: [Listener.webhook, Listener.operations]),
        Program(
            name: "bus-integration-billing", arguments: \.billingArguments, environment: \.billingEnvironment,
            listeners: [Listener.operations]),
        Program(
            name: "bus-api-provider-billing", arguments: \.billingAPIArguments,
            environment: \.billingAPIEnvironment, listeners: [Listener.billing, Listener.operations]),
    ]

    /// Workers are up without the Events API: their streams open when it comes, and `/readyz` says what is missing.
    @Test(arguments: programs) func tellsWhatItDoes(_ program: Program) async throws {
        let deployment = try Deployment()
        let socket = try NotifySocket("\(deployment.folder.path)/notify")
        let environment = program.environment(deployment).merging(
            ["NOTIFY_SOCKET": socket.name, "WATCHDOG_USEC": "200000"]) { $1 }
        let outcome = try await BusProcess.run(
            program.name, program.arguments(deployment), environment: environment
        ) { process in
            #expect(try await message(of: socket) == "READY=1")
            // The log is read by another task than the socket.
            try await eventually("the log names every listener") {
                Set(process.output.listeners.map(\.name)) == program.listeners ? true : nil
            }
            for _ in 0..<3 { #expect(try await message(of: socket) == "WATCHDOG=1") }
            process.terminate()
            let last = try await eventually("the stop is told") {
                socket.next().flatMap { $0 == "WATCHDOG=1" ? nil : $0 }
            }
            #expect(last == "STOPPING=1")
            try await process.end()
        }
        #expect(outcome.exit == .code(0))
    }

    /// With one free descriptor it can speak, but takes no connection, and so says nothing until it can again.
    @Test func silentWhileItCannotAnswer() async throws {
        let deployment = try Deployment()
        let socket = try NotifySocket("\(deployment.folder.path)/notify")
        let environment = deployment.eventsEnvironment.merging(
            ["NOTIFY_SOCKET": socket.name, "WATCHDOG_USEC": "200000"]) { $1 }
        _ = try await BusProcess.run(
            "bus-api-provider-events", deployment.eventsArguments, environment: environment
        ) { process in
            #expect(try await message(of: socket) == "READY=1")
            #expect(try await message(of: socket) == "WATCHDOG=1")
            let free = try await SupervisorJourney.lowestFreeDescriptor(of: process)
            try await SupervisorJourney.limit(process, "\(free + 1):")
            // One that was under way may still come. A second without a sign is several of the watchdog's intervals.
            while socket.next() != nil {}
            try await Task.sleep(for: .seconds(1))
            var late = 0
            while socket.next() != nil { late += 1 }
            #expect(late <= 1, "\(late) signs of life from a server that takes no connection")
            try await SupervisorJourney.limit(process, "1024:")
            #expect(try await message(of: socket) == "WATCHDOG=1")
        }
    }

    private func message(of socket: NotifySocket) async throws -> String {
        try await eventually("the service manager hears something") { socket.next() }
    }

    /// The lowest descriptor that is in use for no longer than a question of the watchdog takes.
    private static func lowestFreeDescriptor(of process: BusProcess) async throws -> Int {
        var used: Set<Int>?
        for _ in 0..<10 {
            let names = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(process.id)/fd")
            let now = Set(names.compactMap { Int($0) })
            used = used?.intersection(now) ?? now
            // Only the pause between two looks.
            try await Task.sleep(for: .milliseconds(7))
        }
        return (0...).first { used?.contains($0) == false } ?? 0
    }

    private static func limit(_ process: BusProcess, _ bounds: String) async throws {
        let change = try await BusProcess.finish(
            "/usr/bin/prlimit", ["--pid", "\(process.id)", "--nofile=\(bounds)"])
        #expect(change.exit == .code(0), "\(change.standardError)")
    }
}
