import BillingCore
import BusContract
import BusCore
import TestSupport

/// Small catalogs and requests in which much collides: few features, few plans, prices of every rhythm, plans without.
enum RandomCatalog {
    static let features = ["f:a", "f:b", "f:c", "f:d"]
    static let plans = ["p0", "p1", "p2", "p3"]
    static let meters = ["m0", "m1"]
    private static let rhythms: [JSONValue] = ["day", "month", "year"]

    static func make(_ random: inout SeededGenerator) throws -> Catalog {
        let ids = plans.prefix(.random(in: 1...plans.count, using: &random))
        var bodies: [JSONValue] = []
        for id in ids {
            let sold = features.filter { _ in Bool.random(using: &random) }
            let prices = rhythms.enumerated().filter { _ in Bool.random(using: &random) }.map { index, rhythm in
                JSONValue.object([
                    "lookup_key": .string("\(id)-\(index)"), "currency": "eur", "unit_amount": 100,
                    "interval": rhythm,
                ])
            }
            bodies.append([
                "id": .string(id), "product_id": "x", "features": .array(sold.map { .string($0) }),
                "prices": .array(prices), "quotas": .array(quotas(sold, &random)),
            ])
        }
        return try Catalog(
            [
                "products": [["id": "x", "name": "X"]],
                "meters": .array(meters.map { ["name": .string($0), "unit": "units"] }), "plans": .array(bodies),
            ], unknownMembers: .refuse)
    }

    private static func quotas(_ sold: [String], _ random: inout SeededGenerator) -> [JSONValue] {
        sold.flatMap { feature in
            meters.flatMap { meter in
                QuotaWindow.allCases.filter { _ in Int.random(in: 0..<4, using: &random) == 0 }.map { window in
                    [
                        "feature": .string(feature), "meter_event_name": .string(meter),
                        "window": .string(window.rawValue), "limit": .integer(.random(in: 1...9, using: &random)),
                    ]
                }
            }
        }
    }

    static func request(_ random: inout SeededGenerator) throws -> CheckoutSessionRequest {
        var request = CheckoutSessionRequest()
        request.accountID = AccessFixtures.account
        request.features = (features + ["f:nobody"]).filter { _ in Int.random(in: 0..<4, using: &random) == 0 }
        if Bool.random(using: &random) { request.planID = (plans + ["p9"]).randomElement(using: &random) }
        if Bool.random(using: &random) {
            request.interval = CheckoutSessionRequest.Interval.allCases.randomElement(using: &random)
        }
        return request
    }

    /// A subscription with any prices and any metadata.
    static func subscription(_ number: Int, _ random: inout SeededGenerator) -> SubscriptionStanding {
        let prices = plans.flatMap { plan in (0..<3).map { "\(plan)-\($0)" } } + ["price_9", "other"]
        var subscription = AccessFixtures.subscription(
            "subscription:sub_\(number)",
            [.active, .active, .pastDue, .canceled][Int.random(in: 0..<4, using: &random)],
            plan: (plans + ["p9"]).randomElement(using: &random).flatMap { Bool.random(using: &random) ? $0 : nil },
            features: (features + ["f:nobody"]).filter { _ in Bool.random(using: &random) },
            prices: prices.filter { _ in Int.random(in: 0..<6, using: &random) == 0 })
        if Bool.random(using: &random) {
            let start = AccessFixtures.now.advanced(bySeconds: -Int64.random(in: 0...3_000_000, using: &random))
            subscription.currentPeriodStart = start
            subscription.currentPeriodEnd = start.advanced(bySeconds: .random(in: 1...3_000_000, using: &random))
        }
        return subscription
    }
}
