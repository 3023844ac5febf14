import BillingCore
import BusContract
import BusCore
import BusRuntime

/// Checks in memory that this build decides about access correctly (`--self-test`).
package enum BillingSelfTest {
    /// The line to print, or a failure that exits 1.
    package static func run() throws -> String {
        let created = update("evt_1", .created, .incomplete, "incomplete")
        let paid = update("evt_2", .updated, .active, "active", from: "incomplete")
        for order in [[created, paid], [paid, created]] {
            var subscription = Subscription(order[0])
            subscription.apply(order[1])
            guard subscription.standing?.status == .active else { throw failure("a paid subscription is not active") }
        }
        let quota = Quota(feature: "llm:proxy", meterEventName: "tokens", window: .day, limit: 10)
        let usage = QuotaUsage(CurrentQuota(quota, period: nil, at: paid.occurredAt), UsageCount(used: 5))
        if usage.refuses(5) || !usage.refuses(6) {
            throw failure("a quota is not held to its limit")
        }
        return "OK \(BusModule.billing.name) self-test"
    }

    private static func update(
        _ id: String, _ kind: SubscriptionUpdate.Kind, _ status: SubscriptionStatus, _ word: String,
        from previous: String? = nil
    ) -> SubscriptionUpdate {
        var update = SubscriptionUpdate(
            eventID: id, accountID: "00000000-0000-4000-8000-000000000001", provider: "stripe", status: status,
            occurredAt: Timestamp(clampingSeconds: 1_785_600_000))
        update.providerSubscriptionID = "sub_1"
        update.features = ["llm:proxy"]
        update.kind = kind
        update.providerStatus = word
        update.previousProviderStatus = previous
        return update
    }

    private static func failure(_ what: String) -> ProcessFailure {
        ProcessFailure(exitCode: 1, "self-test failed: \(what); do not use this build")
    }
}
