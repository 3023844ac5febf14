import BusCore
import Foundation
import TestSupport
import Testing

/// A paid subscription whose plan the catalog does not know, seen by whoever runs the deployment.
@Suite(.timeLimit(.minutes(5))) struct UnknownPlanJourney {
    private static let warning = "paid plan unknown, smallest quotas count"

    @Test func aPlanThatNobodyKnowsIsReportedUntilTheCatalogHasIt() async throws {
        let deployment = try Deployment()
        try await deployment.withEvents { _ in
            try await deployment.withBillingWorker { worker in
                let operations = LoopbackClient(try await worker.address(of: Listener.operations))
                @Sendable func gauge(_ value: Int) async throws {
                    try await eventually("the gauge says \(value)") {
                        let metrics = try await operations.get("/metrics").text
                        return metrics.contains("bus_subscriptions_unknown_plan \(value)") ? true : nil
                    }
                }
                try await deployment.withBillingAPI { api, _ in
                    // The log takes its own way to us, and may come after the gauge.
                    func warnings(_ count: Int) async throws {
                        try await eventually("it has warned \(count) times") {
                            worker.output.standardError.components(separatedBy: Self.warning).count == count + 1
                                ? true : nil
                        }
                    }
                    func put(_ plan: String, _ query: String = "") async throws -> LoopbackClient.Answer {
                        let catalog =
                            #"{"products":[{"id":"x","name":"X"}],"meters":[],"#
                            + #""plans":[{"id":"\#(plan)","product_id":"x","features":["llm:proxy"]}]}"#
                        return try await api.put(
                            "/api/internal/billing/catalog\(query)", Array(catalog.utf8),
                            headers: deployment.bearer(
                                "operator", "billing:catalog:write", audience: "ai.hg.fi/internal"))
                    }
                    #expect(try await put("basic").status == 200)
                    let update: JSONValue = [
                        "event_id": "evt_1", "account_id": .string(Deployment.account), "provider": "stripe",
                        "provider_subscription_id": "sub_1", "status": "active", "features": ["llm:proxy"],
                        "plan_id": "Basic",
                    ]
                    try await deployment.publish(BillingEvent.update, [("c", update)])
                    try await gauge(1)
                    try await warnings(1)
                    let status = try await api.get(
                        "/api/internal/billing/accounts/\(Deployment.account)/status",
                        headers: deployment.bearer("operator", "billing:read", audience: "ai.hg.fi/internal"))
                    #expect(status.json?["plan_unknown"] == true && status.json?["features"] == ["llm:proxy"])

                    #expect(try await put("Basic").status == 200)
                    try await gauge(0)
                    let refused = try await put("other")
                    #expect(refused.status == 409 && refused.text.contains("Basic (1 account)"), "\(refused.text)")
                    #expect(try await put("other", "?force=true").status == 200)
                    try await gauge(1)
                    try await warnings(2)
                }
            }
        }
    }
}
