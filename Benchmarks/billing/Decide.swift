import ArgumentParser
import BillingCore
import BusContract
import BusCore
import BusRuntime

/// Time of one pure decision: standing, quotas and counts in, answer out.
struct Decide: ParsableCommand {
    @Option(help: "Accounts whose values are in memory.") var accounts: Int
    @Option(help: "Decisions to time.") var count = 1_000_000

    func run() throws {
        let quotas = (0..<20).map { number in
            Quota(
                feature: number < 6 ? "llm:proxy" : "feature:\(number)", meterEventName: "meter_\(number)",
                window: QuotaWindow.allCases[number % 6], limit: 1_000_000)
        }
        let tariff = Tariff(.empty, quotaFile: PlanQuotas(["plan": quotas]))
        var cases: [(check: EntitlementCheck, standing: AccountStanding, counts: UsageCounts)] = []
        for number in 0..<accounts {
            let id = BenchStore.account(number)
            let check = try EntitlementCheck(
                JSONText([
                    "account_id": .string(id), "scope": "llm:proxy",
                    "usage": ["meter_event_name": "meter_0", "quantity": 5],
                ]))
            var counts = UsageCounts()
            for quota in quotas {
                let current = CurrentQuota(quota, period: nil, at: BenchStore.since)
                counts[current.bucket] = UsageCount(used: Int64(number % 1_000))
            }
            guard let standing = Subscription(BenchStore.update(number)).standing else { continue }
            cases.append((check, AccountStanding(accountID: id, subscriptions: [standing]), counts))
        }
        var allowed = 0
        let started = ContinuousClock.now
        for number in 0..<count {
            let one = cases[number % cases.count]
            let access = AccountAccess(one.standing, tariff: tariff, grace: .zero, at: BenchStore.since)
            if Entitlement(one.check, access: access, counts: one.counts).isAllowed {
                allowed += 1
            }
        }
        let elapsed = ContinuousClock.now - started
        Terminal.output(#"{"ns":\#(elapsed.inSeconds * 1e9 / Double(count)),"allowed":\#(allowed)}"#)
    }
}
