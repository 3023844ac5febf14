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

                // Somebody empties the file before writing it: the previous secrets stay in use.
                _ = try deployment.folder.write("\n", to: "webhook-secret")
                #expect(try await status("evt_5", "whsec_unknown") == 400)
                #expect(try await status("evt_6", "whsec_new") == 200)

                _ = try deployment.folder.write("whsec_new\n", to: "webhook-secret")
                try await eventually("the old secret counts no more") {
                    try await status("evt_7", "whsec_old") == 400 ? true : nil
                }
                #expect(try await status("evt_8", "whsec_new") == 200)
                let log = process.output.standardError
                #expect(log.components(separatedBy: "a secret was read again from its file").count == 3)
                #expect(log.contains("stays in use") && !log.contains("whsec_"))
            }
        }
    }

    @Test("tokens of a new secret count at once, those of the secret before go on counting", arguments: [true, false])
    func tokenSecret(ofEvents: Bool) async throws {
        let deployment = try Deployment()
        let file = try deployment.folder.write(deployment.jwtSecret, to: "jwt-secret")
        let path =
            ofEvents ? "/api/v1/events/dead-letters" : "/api/internal/billing/accounts/\(Deployment.account)/status"
        @Sendable func status(_ secret: String, _ address: String) async throws -> Int {
            let token = TestTokens(secret: secret).token(
                scope: "events:admin billing:read", audience: "ai.hg.fi/internal", now: unixNow())
            return try await LoopbackClient(address).get(path, headers: ["Authorization": "Bearer \(token)"]).status
        }
        @Sendable func rotate(_ address: String) async throws {
            let first = try await status(deployment.jwtSecret, address)
            #expect(first != 401)
            #expect(try await status("the-next-secret", address) == 401)
            _ = try deployment.folder.write("the-next-secret", to: "jwt-secret")
            // Many at once: whoever is not the first to look must not be refused either.
            try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<20 { group.addTask { try await status("the-next-secret", address) } }
                for try await answer in group { #expect(answer == first) }
            }
            #expect(try await status(deployment.jwtSecret, address) == first)
            #expect(try await status("a-third-secret", address) == 401)
        }
        if ofEvents {
            var environment = deployment.eventsEnvironment
            environment["BUS_API_JWT_SECRET"] = nil
            environment["BUS_API_JWT_SECRET_FILE"] = file
            _ = try await BusProcess.run(
                "bus-api-provider-events", deployment.eventsArguments, environment: environment
            ) { try await rotate(try await $0.address(of: Listener.events)) }
            return
        }
        var environment = deployment.billingAPIEnvironment
        environment["BUS_BILLING_JWT_SECRET"] = nil
        environment["BUS_BILLING_JWT_SECRET_FILE"] = file
        try await deployment.withEvents { [environment] _ in
            try await deployment.withBillingWorker { _ in
                _ = try await BusProcess.run(
                    "bus-api-provider-billing", deployment.billingAPIArguments, environment: environment
                ) { api in
                    try await Deployment.ready(api, Listener.billing)
                    try await rotate(try await api.address(of: Listener.billing))
                }
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
