import BusCore
import FoundationEssentials
import TestSupport
import Testing

/// Signing secrets change while webhooks come in: nothing restarts and nothing that Stripe signs is refused.
@Suite(.timeLimit(.minutes(5))) struct RotationJourney {
    private static func webhook(_ id: String, _ secret: String, _ deployment: Deployment) -> SignedWebhook {
        SignedWebhook(eventID: id, secret: secret, now: unixNow(), template: deployment.template)
    }

    @Test("a secret counts as soon as its file has it, and no more when it is taken out")
    func webhookSecret() async throws {
        let deployment = try Deployment()
        let file = try deployment.folder.write("whsec_old\n", to: "webhook-secret")
        var environment = deployment.stripeEnvironment
        environment["BUS_STRIPE_WEBHOOK_SECRET"] = nil
        environment["BUS_STRIPE_WEBHOOK_SECRET_FILE"] = file
        try await deployment.withEvents { [environment] _ in
            _ = try await BusProcess.run(
                "bus-integration-stripe", deployment.stripeArguments(), environment: environment
            ) { process in
                let ingress = LoopbackClient(try await process.address(of: Listener.webhook))
                func status(_ id: String, _ secret: String) async throws -> Int {
                    try await Self.webhook(id, secret, deployment).send(to: ingress).status
                }
                #expect(try await status("evt_1", "whsec_old") == 200)
                #expect(try await status("evt_2", "whsec_new") == 400)

                _ = try deployment.folder.write("whsec_old,whsec_new\n", to: "webhook-secret")
                #expect(try await status("evt_3", "whsec_new") == 200, "the first one that it signs")
                #expect(try await status("evt_4", "whsec_old") == 200)

                // Somebody empties the file before they write it: the secrets of before count.
                _ = try deployment.folder.write("\n", to: "webhook-secret")
                #expect(try await status("evt_5", "whsec_unknown") == 400)
                #expect(try await status("evt_6", "whsec_new") == 200)

                _ = try deployment.folder.write("whsec_new\n", to: "webhook-secret")
                try await eventually("the old secret counts no more") {
                    try await status("evt_7", "whsec_old") == 400 ? true : nil
                }
                #expect(try await status("evt_8", "whsec_new") == 200)
                let log = process.output.standardError
                #expect(log.components(separatedBy: "webhook secrets read again").count == 3)
                #expect(log.contains("holds none") && !log.contains("whsec_"))
            }
        }
    }

    @Test("the log says at the start what is in effect, without a secret")
    func settings() async throws {
        let deployment = try Deployment()
        try await deployment.withEvents(environment: ["BUS_EVENTS_RETENTION": "7d"]) { events in
            let lines = events.output.standardError.split(separator: "\n")
            let line = try #require(lines.first { $0.contains(#""message":"settings""#) })
            let entry = try JSONValue(parsing: Array(line.utf8))
            #expect(entry["BUS_EVENTS_RETENTION"] == "7d" && entry["BUS_API_JWT_SECRET"] == "[redacted]")
            #expect(!line.contains(deployment.jwtSecret))
        }
    }
}
