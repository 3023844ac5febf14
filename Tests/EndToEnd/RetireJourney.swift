import BusCore
import FoundationEssentials
import Synchronization
import TestSupport
import Testing

/// `bus operator secrets` beside the real programs: a secret stays while something needs it, and goes afterwards.
@Suite(.timeLimit(.minutes(5))) struct RetireJourney {
    private static func bus(_ words: String...) async throws -> (exit: BusProcess.Exit, out: String, errors: String) {
        let result = try await BusProcess.finish("bus", ["operator", "secrets"] + words)
        #expect(!(result.standardOutput + result.standardError).contains("whsec_"))
        return (result.exit, result.standardOutput, result.standardError)
    }

    /// The secrets of one program, by label.
    private static func list(_ address: String, _ more: String...) async throws -> [JSONValue] {
        let words = ["operator", "secrets", "list", "--from", "http://\(address)"] + more
        let result = try await BusProcess.finish("bus", words)
        #expect(result.exit == .code(0), "\(result.standardError)")
        return try JSONValue(parsing: Array(result.standardOutput.utf8))["secrets"]?.elements ?? []
    }

    @Test("a webhook secret stays while it signs, goes when nothing needs it, and nothing is refused meanwhile")
    func webhookSecret() async throws {
        let deployment = try Deployment()
        let file = try deployment.folder.write("whsec_old\n", to: "webhook-secret")
        var environment = deployment.stripeEnvironment
        environment["BUS_STRIPE_WEBHOOK_SECRET"] = nil
        environment["BUS_STRIPE_WEBHOOK_SECRET_FILE"] = file
        try await deployment.withEvents { [environment] events in
            let stranger = try await events.address(of: Listener.operations)
            _ = try await BusProcess.run(
                "bus-integration-stripe", deployment.stripeArguments(), environment: environment
            ) { process in
                let ingress = LoopbackClient(try await process.address(of: Listener.webhook))
                let operations = try await process.address(of: Listener.operations)
                let steps = Steps(
                    deployment: deployment, ingress: ingress, operations: operations, stranger: stranger, file: file)
                try await steps.refuse()
                try await steps.retire()
            }
        }
    }

    private struct Steps {
        let deployment: Deployment
        let ingress: LoopbackClient
        let operations: String
        /// Another program, which verifies no webhooks.
        let stranger: String
        let file: String

        private func send(_ id: String, _ secret: String) async throws -> Int {
            let webhook = SignedWebhook(
                eventID: id, secret: secret, now: unixNow(), template: deployment.template)
            return try await webhook.send(to: ingress).status
        }

        private func retire(
            _ label: String, _ more: String...
        ) async throws -> (exit: BusProcess.Exit, out: String, errors: String) {
            let words = ["operator", "secrets", "retire", "--label", label, "--secret-file", file]
            let result = try await BusProcess.finish("bus", words + ["--from", "http://\(operations)"] + more)
            #expect(!(result.standardOutput + result.standardError).contains("whsec_"))
            return (result.exit, result.standardOutput, result.standardError)
        }

        private var content: String { (try? String(contentsOfFile: file, encoding: .utf8)) ?? "" }

        private func label(_ place: Int64) async throws -> String {
            let secrets = try await RetireJourney.list(operations, "--secret-file", file)
            return try #require(secrets.first { $0["place"]?.integer == place }?["secret"]?.text)
        }

        func refuse() async throws {
            #expect(try await send("evt_1", "whsec_old") == 200)
            let only = try await retire(try await label(1))
            #expect(only.exit == .code(1) && only.errors.contains("is the only secret"), "\(only.errors)")

            _ = try deployment.folder.write("whsec_old,whsec_new\n", to: "webhook-secret")
            try await eventually("both count") {
                try await RetireJourney.list(operations).count == 2 ? true : nil
            }
            let (old, new) = (try await label(1), try await label(2))
            // Stripe has not rolled it yet: the new one has signed nothing, though the old one were long unused.
            let early = try await retire(old, "--unused-for", "1s")
            #expect(early.exit == .code(1) && early.errors.contains("no other secret has been used"), "\(early.errors)")
            #expect(try await send("evt_2", "whsec_new") == 200)
            let listed = try await RetireJourney.list(operations)
            #expect(listed.count == 2 && listed.allSatisfy { $0["last_used"] != nil && $0["kind"] == "webhook" })
            for secret in [old, new] {
                let used = try await retire(secret)
                #expect(used.exit == .code(1) && used.errors.contains(" used \(secret) at "), "\(used.errors)")
            }
            let away = try await retire(old, "--unused-for", "1s", "--from", "http://127.0.0.1:1")
            #expect(away.exit == .code(1) && away.errors.contains("was not reached"), "\(away.errors)")
            let mixed = try await retire(old, "--unused-for", "1s", "--from", "http://\(stranger)")
            #expect(mixed.exit == .code(1) && mixed.errors.contains("does not accept \(old)"), "\(mixed.errors)")
            let wrong = try await retire("00000000")
            #expect(wrong.exit == .code(2) && wrong.errors.contains("it has \(old), \(new)"), "\(wrong.errors)")
            #expect(content == "whsec_old,whsec_new\n", "nothing of this has changed the file")
        }

        func retire() async throws {
            let (old, new) = (try await label(1), try await label(2))
            try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: file)
            let number = Atomic(0)
            // Stripe signs with the new one alone by now.
            let done = try await eventually("the old one may go") {
                let id = number.wrappingAdd(1, ordering: .relaxed).newValue
                #expect(try await send("evt_new_\(id)", "whsec_new") == 200, "nothing is refused meanwhile")
                let result = try await retire(old, "--unused-for", "1s")
                return result.exit == .code(0) ? result : nil
            }
            #expect(done.out == #"{"remaining":1,"retired":true,"secret":"\#(old)"}"# + "\n")
            #expect(content == "whsec_new\n")
            let mode = try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? Int
            #expect(mode == 0o640, "the programs can still read it")
            #expect(try await send("evt_after", "whsec_new") == 200)
            try await eventually("the old secret counts no more") {
                try await send("evt_old", "whsec_old") == 400 ? true : nil
            }
            let left = try await RetireJourney.list(operations)
            #expect(left.map { $0["secret"]?.text } == [new])
            #expect(
                try FileManager.default.contentsOfDirectory(atPath: deployment.folder.path)
                    .filter { $0.hasPrefix("webhook-secret") } == ["webhook-secret"], "no draft is left")
        }
    }

    @Test("a replaced token secret is told of as long as it counts, and ended by nobody")
    func tokenSecret() async throws {
        let deployment = try Deployment()
        let file = try deployment.folder.write(deployment.jwtSecret, to: "jwt-secret")
        var environment = deployment.eventsEnvironment
        environment["BUS_API_JWT_SECRET"] = nil
        environment["BUS_API_JWT_SECRET_FILE"] = file
        _ = try await BusProcess.run(
            "bus-api-provider-events", deployment.eventsArguments, environment: environment
        ) { process in
            let client = LoopbackClient(try await process.address(of: Listener.events))
            let operations = try await process.address(of: Listener.operations)
            let from = "http://\(operations)"
            @Sendable func status(_ secret: String) async throws -> Int {
                let token = TestTokens(secret: secret).token(scope: "events:admin", now: unixNow())
                return try await client.get(
                    "/api/v1/events/dead-letters", headers: ["Authorization": "Bearer \(token)"]
                ).status
            }
            #expect(try await Self.list(operations).map { $0["secret"]?.text } == ["current"])
            let none = try await Self.bus("retire", "--label", "previous", "--from", from)
            #expect(none.exit == .code(0) && none.out.contains(#""retired":true"#), "\(none.errors)")

            #expect(try await status(deployment.jwtSecret) == 200)
            _ = try deployment.folder.write("the-next-secret", to: "jwt-secret")
            #expect(try await status("the-next-secret") == 200)
            #expect(try await status(deployment.jwtSecret) == 200)
            let listed = try await Self.list(operations)
            #expect(listed.map { $0["secret"]?.text } == ["current", "previous"])
            #expect(listed[1]["accepted_until"] != nil && listed.allSatisfy { $0["last_used"] != nil })
            let used = try await Self.bus("retire", "--label", "previous", "--from", from)
            #expect(used.exit == .code(1) && used.errors.contains("used previous at"), "\(used.errors)")
            try await eventually("tokens of the new secret alone are used") {
                #expect(try await status("the-next-secret") == 200)
                let result = try await Self.bus("retire", "--label", "previous", "--unused-for", "1s", "--from", from)
                return result.exit == .code(0) && result.out.contains(#""retired":false"#) ? true : nil
            }
            #expect(try await status(deployment.jwtSecret) == 200, "nobody's token was ended")
        }
    }
}
