import BusCore
import TestSupport
import Testing

/// An operator forgets an account through the real programs, and nothing that names it is left in the billing store.
@Suite(.timeLimit(.minutes(5))) struct ForgetJourney {
    @Test func anAccountIsForgottenAndStaysSo() async throws {
        let deployment = try Deployment()
        try await deployment.withEvents { _ in
            try await deployment.withStripe { ingress, _ in
                try await deployment.withBillingWorker { worker in
                    try await deployment.withBillingAPI { api, _ in
                        let steps = Steps(deployment: deployment, ingress: ingress, api: api, worker: worker)
                        try await steps.buyAndEnd()
                        let id = try await steps.look()
                        try await steps.forget(id)
                        try await steps.comeBack(id)
                    }
                }
            }
        }
    }

    @Test func programsWhoseTokensLackTheScopeGoOnAndSaySo() async throws {
        let deployment = try Deployment()
        let worker = deployment.serviceToken(
            Deployment.Subject.billingWorker, Deployment.billingScopes + " billing:provider")
        let api = deployment.serviceToken(
            Deployment.Subject.billingAPI, "billing:read billing:setup billing:entitlement:check")
        try await deployment.withEvents { _ in
            try await deployment.withBillingWorker(environment: ["BUS_API_TOKEN": worker]) { worker in
                try await deployment.withBillingAPI(environment: ["BUS_API_TOKEN": api]) { api, _ in
                    let answer = try await api.post(
                        "/api/internal/billing/accounts/\(Deployment.account)/forget", [],
                        headers: deployment.bearer("operator", "billing:admin", audience: "ai.hg.fi/internal"))
                    #expect(answer.status == 503 && answer.text.contains("lacks the scope billing:admin"))
                    #expect(worker.output.standardError.contains("accounts cannot be forgotten"))
                    let status = try await api.get(
                        "/api/v1/billing/status", headers: deployment.bearer(Deployment.account, "billing:read"))
                    #expect(status.status == 200, "\(status.text)")
                }
            }
        }
    }

    private struct Steps {
        let deployment: Deployment
        let ingress: LoopbackClient
        let api: LoopbackClient
        let worker: BusProcess
        let story = StripeCheckoutStory(account: Deployment.account, plan: "llm-basic", second: unixNow() - 10)

        func buyAndEnd() async throws {
            for body in try story.checkout() { try await deliver(body) }
            try await results(3)
            let refused = try await bus(["--confirm", try await look()])
            #expect(refused.exit == .code(1) && refused.standardError.contains("--force"), "\(refused.standardError)")
            try await deliver(try story.end())
            try await results(4)
        }

        /// What would be removed, and the id that confirms it.
        func look() async throws -> String {
            let shown = try await bus([])
            #expect(shown.exit == .code(0), "\(shown.standardError)")
            let report = try JSONValue(parsing: Array(shown.standardOutput.utf8))
            let id = try #require(report["forgotten_as"]?.text)
            #expect(report["forgotten"] == false && report["customers"]?.elements?.count == 1)
            #expect(shown.standardError.contains("--confirm \(id)"))
            #expect(shown.standardError.contains("https://docs.stripe.com/privacy/redaction"))
            #expect(try await stored().contains(Deployment.account))
            return id
        }

        func forget(_ id: String) async throws {
            let done = try await bus(["--confirm", id, "--format", "text"])
            #expect(done.exit == .code(0) && done.standardOutput.contains("forgotten since"), "\(done)")
            #expect(try await bus(["--confirm", id]).exit == .code(0))
            let stored = try await stored()
            #expect(!stored.contains(Deployment.account) && !stored.contains("cus_") && stored.contains(id))
        }

        func comeBack(_ id: String) async throws {
            // Stripe repeats a webhook, and the person pays on a page that was still open.
            try await deliver(try story.end())
            let paid: JSONValue = [
                "event_id": "evt_later", "account_id": .string(Deployment.account), "provider": "stripe",
                "status": "active", "features": ["llm:proxy"], "provider_subscription_id": "sub_later",
                "provider_customer_id": "cus_later",
            ]
            try await deployment.publish(BillingEvent.update, [("c-later", paid)])
            try await results(5)
            try await eventually("it is warned of") {
                worker.output.standardError.contains("update of a forgotten account, it opens nothing") ? true : nil
            }
            let status = try await api.get(
                "/api/v1/billing/status", headers: deployment.bearer(Deployment.account, "billing:read"))
            #expect(status.json?["status"] == "missing", "\(status.text)")
            let checkout = try await api.post(
                "/api/v1/billing/checkout-session", Array("{}".utf8),
                headers: deployment.bearer(Deployment.account, "billing:setup"))
            #expect(checkout.status == 410 && checkout.errorType == "account_forgotten", "\(checkout.text)")
            let stored = try await stored()
            #expect(!stored.contains(Deployment.account) && stored.contains(id))
        }

        /// Every row of the billing file but the answers, which end by themselves.
        private func stored() async throws -> String {
            let dump = try await BusProcess.finish(
                "/bin/bash",
                ["-c", "sqlite3 '\(deployment.billingFile)' .dump | grep -v '^INSERT INTO bus_billing_handled_events'"])
            #expect(dump.exit == .code(0), "\(dump.standardError)")
            return dump.standardOutput
        }

        private func bus(_ words: [String]) async throws -> CommandWorld.Result {
            let token = deployment.serviceToken("operator", "billing:admin", audience: "ai.hg.fi/internal")
            let world = try CommandWorld(["BUS_API_BASE_URL": api.base, "BUS_OPERATOR_TOKEN": token])
            return try await world.run(["operator", "billing", "forget", "--account", Deployment.account] + words)
        }

        private func deliver(_ body: [UInt8]) async throws {
            let judged = try await StripeJudge.sign(body, secret: deployment.webhookSecret)
            let answer = try await ingress.post(
                SignedWebhook.path, body, headers: ["Stripe-Signature": judged.header])
            #expect(answer.status == 200, "\(answer.text)")
        }

        private func results(_ count: Int) async throws {
            try await eventually("\(count) updates are applied") {
                try await deployment.stored(BillingEvent.result).count >= count ? true : nil
            }
        }
    }
}
