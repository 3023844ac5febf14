import BusCore
import TestSupport
import Testing

/// The command of the ingress as the documentation gives it, with tokens of one scope or none.
@Suite(.timeLimit(.minutes(5))) struct IngressToken {
    private let deployment: Deployment

    init() throws {
        deployment = try Deployment()
    }

    private func environment(_ scope: String) -> [String: String] {
        deployment.stripeEnvironment.merging([
            "BUS_API_TOKEN": deployment.serviceToken(Deployment.Subject.stripe, scope)
        ]) { $1 }
    }

    private var arguments: [String] {
        ["--events-url", "http://\(deployment.eventsAddress)", "--webhook-addr", "127.0.0.1:0"]
    }

    @Test func aTokenForUpdatesAloneServesWebhooksAndSaysSoOnce() async throws {
        try await deployment.withEvents { _ in
            _ = try await BusProcess.run(
                "bus-integration-stripe", arguments, environment: environment("billing:subscription:write")
            ) { worker in
                let ingress = LoopbackClient(try await worker.address(of: Listener.webhook))
                let answer = try await deployment.webhook("evt_mission").send(to: ingress)
                #expect(answer.status == 200 && answer.json?["emitted"]?.flag == true, "\(answer.text)")
                try await eventually("it is ready") { try await ingress.get("/readyz").status == 200 ? true : nil }
                #expect(try await deployment.storedEventIDs() == ["evt_mission"])
                let warnings = worker.output.standardError.split(separator: "\n").filter { $0.contains("\"warning\"") }
                #expect(warnings.count == 1 && warnings[0].contains("lacks billing:provider"), "\(warnings)")
                #expect(warnings.first?.contains("--webhook-only") == true)
                #expect(!worker.output.isComplete)
            }
        }
    }

    @Test(arguments: [
        ("billing:read", [String](), ["billing:provider", "billing:subscription:write", "BUS_API_TOKEN"]),
        ("billing:subscription:write", ["--once"], ["billing:provider", "--once"]),
        ("billing:provider", ["--webhook-only"], ["billing:subscription:write"]),
    ])
    func aTokenThatCannotDoTheJobEndsTheStart(scope: String, flags: [String], says: [String]) async throws {
        let ended = try await BusProcess.finish(
            "bus-integration-stripe", arguments + flags, environment: environment(scope))
        #expect(ended.exit == .code(1))
        for word in says { #expect(ended.standardError.contains(word), "\(ended.standardError)") }
    }

    @Test func withoutAnAddressATokenForUpdatesAloneIsNotEnough() async throws {
        let ended = try await BusProcess.finish(
            "bus-integration-stripe", ["--events-url", "http://\(deployment.eventsAddress)"],
            environment: environment("billing:subscription:write"))
        #expect(ended.exit == .code(1))
        #expect(ended.standardError.contains("--webhook-addr") && ended.standardError.contains("billing:provider"))
    }
}
