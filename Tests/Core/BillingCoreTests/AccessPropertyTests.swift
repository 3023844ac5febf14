import BillingCore
import BusContract
import BusCore
import TestSupport
import Testing

/// What must hold for any catalog, any subscriptions and any usage.
@Suite("Access, by random")
struct AccessPropertyTests {
    private typealias Fixtures = AccessFixtures

    private static let features = RandomCatalog.features + ["f:nobody"]

    /// Runs `body` with a catalog, subscriptions and counts for all of them.
    private func trying(
        _ name: String, _ body: (inout SeededGenerator, Catalog, [SubscriptionStanding]) throws -> Void
    ) async throws {
        let seed = PropertySettings.seed
        print("\(name), seed \(seed)")
        var random = SeededGenerator(seed: seed)
        for await _ in Rounds(3_000, proof: 100_000) {
            let catalog = try RandomCatalog.make(&random)
            let subscriptions = (0..<Int.random(in: 1...3, using: &random)).map {
                RandomCatalog.subscription($0, &random)
            }
            try body(&random, catalog, subscriptions)
        }
    }

    /// Counts that follow from the bucket alone, so that two accesses to one account see the same usage.
    private func counts(of accesses: AccountAccess..., salt: Int) -> UsageCounts {
        var counts = UsageCounts()
        for limit in accesses.flatMap(\.grants).flatMap({ $0.limits(at: Fixtures.now) }) {
            var hasher = SeededGenerator(seed: UInt64(salt))
            for byte in "\(limit.bucket)".utf8.suffix(60) {
                hasher = SeededGenerator(seed: hasher.next() ^ UInt64(byte))
            }
            counts[limit.bucket] = UsageCount(used: Int64.random(in: 0...9, using: &hasher))
        }
        return counts
    }

    private func isAllowed(_ feature: String, _ quantity: Int64?, _ access: AccountAccess, _ counts: UsageCounts)
        -> Bool
    {
        var check = Fixtures.check(feature, quantity)
        check.usage?.meterEventName = "m0"
        return Entitlement(check, access: access, counts: counts).isAllowed
    }

    @Test("a further subscription never takes anything away")
    func moreIsNeverLess() async throws {
        try await trying("further subscriptions") { random, catalog, subscriptions in
            let tariff = Tariff(catalog)
            let (less, more) = (
                Fixtures.access(Array(subscriptions.dropLast()), tariff), Fixtures.access(subscriptions, tariff)
            )
            let counts = counts(of: more, salt: .random(in: 0...Int.max, using: &random))
            try #require(Set(less.features).isSubset(of: more.features))
            for feature in Self.features {
                for quantity in [nil, 1, 5] as [Int64?] where isAllowed(feature, quantity, less, counts) {
                    try #require(isAllowed(feature, quantity, more, counts), "\(feature) \(subscriptions)")
                }
            }
        }
    }

    @Test("a further price of a known plan never takes anything away")
    func morePricesAreNeverLess() async throws {
        try await trying("further prices") { random, catalog, subscriptions in
            let tariff = Tariff(catalog)
            let price = try #require(
                catalog.prices.isEmpty ? "none" : catalog.prices.randomElement(using: &random)?.lookupKey)
            let before = subscriptions[0]
            guard case .paid = tariff.plans(of: before) else { return }
            var after = before
            after.prices.insert(Fixtures.price(price), at: .random(in: 0...after.prices.count, using: &random))
            let (less, more) = (Fixtures.access([before], tariff), Fixtures.access([after], tariff))
            let counts = counts(of: less, more, salt: .random(in: 0...Int.max, using: &random))
            for feature in Self.features where isAllowed(feature, 2, less, counts) {
                try #require(isAllowed(feature, 2, more, counts), "\(feature) with \(price)")
            }
        }
    }

    @Test("an unknown plan allows no more than any known plan that sells the feature")
    func unknownIsNeverBetter() async throws {
        try await trying("unknown plans") { random, catalog, subscriptions in
            let tariff = Tariff(catalog)
            var unknown = subscriptions[0]
            (unknown.status, unknown.planID, unknown.prices) = (.active, "gone", [])
            let access = Fixtures.access([unknown], tariff)
            for plan in catalog.plans {
                var known = unknown
                known.planID = plan.id
                let best = Fixtures.access([known], tariff)
                let counts = counts(of: access, best, salt: .random(in: 0...Int.max, using: &random))
                for feature in plan.features {
                    for quantity in [nil, 1, 4] as [Int64?] where isAllowed(feature, quantity, access, counts) {
                        try #require(isAllowed(feature, quantity, best, counts), "\(feature) of \(plan.id)")
                    }
                }
            }
        }
    }

    @Test("the order of subscriptions and of a subscription's prices changes no answer")
    func orderDoesNotCount() async throws {
        try await trying("orders") { random, catalog, subscriptions in
            let tariff = Tariff(catalog)
            let shuffled = subscriptions.shuffled(using: &random).map { subscription in
                var subscription = subscription
                subscription.prices.shuffle(using: &random)
                return subscription
            }
            let (one, other) = (Fixtures.access(subscriptions, tariff), Fixtures.access(shuffled, tariff))
            let counts = counts(of: one, salt: .random(in: 0...Int.max, using: &random))
            try #require(Set(one.features) == Set(other.features))
            for feature in Self.features {
                for quantity in [nil, 3] as [Int64?] {
                    try #require(
                        isAllowed(feature, quantity, one, counts) == isAllowed(feature, quantity, other, counts))
                }
            }
        }
    }

    @Test("status tells to upgrade only when a check is refused, and its lines are the account's quotas")
    func statusAgreesWithChecks() async throws {
        try await trying("statuses") { random, catalog, subscriptions in
            let access = Fixtures.access(subscriptions, Tariff(catalog))
            let counts = counts(of: access, salt: .random(in: 0...Int.max, using: &random))
            let status = AccountStatus(access, counts: counts)
            try #require(status.features == access.features)
            if status.next?.action == .upgradePlan {
                try #require(status.features.contains { !isAllowed($0, nil, access, counts) })
            }
            for line in status.usage {
                try #require(
                    line.window == "total" ? line.resetsAt == nil : line.resetsAt.map { $0 > Fixtures.now } == true)
            }
        }
    }
}
