import TestSupport
import Testing

/// Programs that open one new file at the same moment all start.
@Suite(.timeLimit(.minutes(30))) struct StartTogether {
    @Test func bothBillingProgramsStartOnANewFile() async throws {
        let deployment = try Deployment()
        try await deployment.withEvents { _ in
            for await round in Rounds(6, proof: 200) {
                let file = "\(deployment.folder.path)/new-\(round).sqlite"
                try await together([
                    .init(
                        "bus-integration-billing", onto(file, deployment.billingArguments),
                        deployment.billingEnvironment),
                    .init(
                        "bus-api-provider-billing", onto(file, deployment.billingAPIArguments),
                        deployment.billingAPIEnvironment),
                ])
            }
        }
    }

    @Test func manyProcessesStartOnANewFile() async throws {
        let deployment = try Deployment()
        for await round in Rounds(2, proof: 20) {
            let start = Start(
                "bus-api-provider-events",
                [
                    "--addr", "127.0.0.1:0", "--events-sqlite-path", "\(deployment.folder.path)/new-\(round).sqlite",
                ], deployment.eventsEnvironment)
            try await together([Start](repeating: start, count: 8))
        }
    }

    private func onto(_ file: String, _ arguments: [String]) -> [String] {
        arguments.map { $0.hasSuffix("/billing.sqlite") ? file : $0 }
    }

    private struct Start {
        let program: String
        let arguments: [String]
        let environment: [String: String]

        init(_ program: String, _ arguments: [String], _ environment: [String: String]) {
            self.program = program
            self.arguments = arguments
            self.environment = environment
        }
    }

    /// Starts all at once; one that ends before it listens fails the test with its log.
    private func together(_ starts: [Start]) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for start in starts {
                group.addTask {
                    _ = try await BusProcess.run(start.program, start.arguments, environment: start.environment) {
                        _ = try await $0.address()
                    }
                }
            }
            try await group.waitForAll()
        }
    }
}
