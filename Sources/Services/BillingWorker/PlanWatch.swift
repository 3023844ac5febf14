import BillingCore
import BillingStorage
import BusContract
import BusCore
import BusRuntime
import BusSQL
import CoreMetrics
import Logging
import ServiceLifecycle

/// Reports subscriptions that are paid and whose plan nobody knows.
///
/// It looks at what changed, whoever stored it, and at everything after the catalog was replaced; checks pay nothing.
struct PlanWatch: Service {
    let desk: BillingDesk
    let logger: Logger
    private let gauge = Gauge(label: "bus_subscriptions_unknown_plan")

    init(desk: BillingDesk, logger: Logger) {
        self.desk = desk
        self.logger = logger
    }

    func run() async throws {
        await cancelWhenGracefulShutdown {
            var known = UnknownPlans()
            while !Task.isCancelled {
                await look(&known, at: .now)
                do { try await Task.sleep(for: .seconds(Limits.planWatchSeconds)) } catch { return }
            }
        }
    }

    /// Looks once.
    func look(_ known: inout UnknownPlans, at now: Timestamp) async {
        do {
            let before = known
            let (after, news) = try await desk.unknownPlans(after: before, at: now)
            known = after
            report(news)
            gauge.record(known.count)
        } catch {
            logger.warning("unknown plans not looked for", metadata: ["cause": "\(error)"])
        }
    }

    private func report(_ news: [SubscriptionStanding]) {
        for subscription in news.prefix(Limits.planWarningsMax) {
            logger.warning(
                "paid plan unknown, smallest quotas count",
                metadata: [
                    "account.id": "\(subscription.accountID ?? "")", "subscription": "\(subscription.key.name)",
                    "plan.id": "\(subscription.planID ?? "")",
                    "prices": "\(subscription.prices.map { $0.lookupKey ?? $0.id }.joined(separator: " "))",
                ])
        }
        if news.count > Limits.planWarningsMax {
            logger.warning(
                "paid plans unknown, smallest quotas count",
                metadata: ["subscriptions": "\(news.count - Limits.planWarningsMax)"])
        }
    }
}

extension BillingDesk {
    /// What is unknown now, and which of it is news.
    func unknownPlans(
        after known: UnknownPlans, at now: Timestamp
    ) async throws -> (known: UnknownPlans, news: [SubscriptionStanding]) {
        try await database.readLong { connection in
            var known = known
            var news: [SubscriptionStanding] = []
            let mode = try mode.current(on: connection)
            let version = try CatalogStore.version(on: connection)
            let tariff = Tariff(try catalogs.current(on: connection))
            let store = SubscriptionStore(connection)
            if let since = known.begin(mode: mode, catalogVersion: version, at: now) {
                try store.eachChanged(since: since, in: mode) { if known.note($0, tariff) { news.append($0) } }
            } else {
                try store.eachBought(in: mode) { if known.note($0, tariff) { news.append($0) } }
            }
            known.end()
            return (known, news)
        }
    }
}
