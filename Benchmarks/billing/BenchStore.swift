import BillingCore
import BillingStorage
import BusContract
import BusCore
import BusSQL

/// A billing file with as many accounts, updates, exports and buckets as a measurement asks for.
enum BenchStore {
    /// Subscribed since then.
    static let since = Timestamp(clampingSeconds: 1_785_600_000)

    /// The account of a number.
    static func account(_ number: Int) -> String {
        let digits = String(number)
        return "00000000-0000-4000-8000-" + String(repeating: "0", count: 12 - digits.count) + digits
    }

    /// An account's one update.
    static func update(_ number: Int, event: Int = 0, status: SubscriptionStatus = .active) -> SubscriptionUpdate {
        var update = SubscriptionUpdate(
            eventID: "evt_\(number)_\(event)", accountID: account(number), provider: "stripe", status: status,
            occurredAt: since.advanced(bySeconds: Int64(event)))
        update.providerCustomerID = "cus_\(number)"
        update.providerSubscriptionID = "sub_\(number)"
        update.planID = "plan"
        update.features = ["llm:proxy"]
        update.kind = .updated
        update.providerStatus = status.rawValue
        return update
    }

    /// Opens a file with its tables and a catalog of one plan.
    static func open(_ path: String) async throws -> SQLiteDatabase {
        let database = try await SQLiteDatabase(path: path)
        try await database.migrateBilling()
        let catalog: JSONValue = [
            "products": [["id": "llm", "name": "LLM"]], "meters": [["name": "tokens", "unit": "tokens"]],
            "plans": [
                [
                    "id": "plan", "product_id": "llm", "features": ["llm:proxy"],
                    "quotas": .array(
                        QuotaWindow.allCases.map { window in
                            [
                                "feature": "llm:proxy", "meter_event_name": "tokens",
                                "window": .string(window.rawValue), "limit": 9_000_000_000,
                            ]
                        }),
                ]
            ],
        ]
        let store = try await CatalogStore.open(database)
        _ = try await store.replace(with: StoredCatalog(catalog), at: since)
        return database
    }
}
