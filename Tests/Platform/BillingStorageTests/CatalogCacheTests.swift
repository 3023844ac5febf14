import BillingCore
import BusCore
import BusRuntime
import BusSQL
import StoreTestSupport
import TestSupport
import Testing

@testable import BillingStorage

@Suite("The catalog that workers use")
struct CatalogCacheTests {
    @Test("without a stored catalog nothing is sold", arguments: TestStore.allCases)
    func empty(_ store: TestStore) async throws {
        let database = try await store.open()
        _ = try await CatalogStore.open(database)
        #expect(try await database.read { try CatalogCache().current(on: $0) } == .empty)
    }

    @Test("a replacement is seen by the next use, also when it comes in the same moment", arguments: TestStore.allCases)
    func replaced(_ store: TestStore) async throws {
        let database = try await store.open()
        let store = try await CatalogStore.open(database)
        let cache = CatalogCache()
        let now = Timestamp.now
        for product in ["one", "two", "two", "three"] {
            let body: JSONValue = [
                "products": [["id": .string(product), "name": "Product"]], "plans": [], "meters": [], "ours": true,
            ]
            _ = try await store.replace(with: StoredCatalog(body), at: now)
            for _ in 1...2 {
                let catalog = try await database.read { try cache.current(on: $0) }
                #expect(catalog.products.map(\.id) == [product])
            }
        }
    }

    @Test(
        "a catalog that an earlier release took with an amount that is refused today is still used",
        arguments: TestStore.allCases)
    func earlier(_ store: TestStore) async throws {
        let database = try await store.open()
        let store = try await CatalogStore.open(database)
        let body: JSONValue = [
            "products": [["id": "p", "name": "P"]], "meters": [],
            "plans": [
                [
                    "id": "a", "product_id": "p", "features": ["f"],
                    "prices": [["currency": "eur", "unit_amount": .number("49.00"), "nickname": 7]],
                ]
            ],
        ]
        #expect(throws: CatalogFaults.self) { _ = try Catalog(body, unknownMembers: .keep) }
        _ = try await store.replace(with: StoredCatalog(body), at: .now)
        let catalog = try await database.read { try CatalogCache().current(on: $0) }
        #expect(catalog.plan(id: "a")?.features == ["f"] && catalog.prices.map(\.unitAmount) == [49])
    }

    @Test("a catalog that another program broke is a fault, not an empty catalog", arguments: TestStore.allCases)
    func broken(_ store: TestStore) async throws {
        let database = try await store.open()
        let store = try await CatalogStore.open(database)
        _ = try await store.replace(with: StoredCatalog(["products": 1]), at: .now)
        await #expect(throws: CatalogFaults.self) { try await database.read { try CatalogCache().current(on: $0) } }
    }
}
