import BusCore
import BusRuntime
import BusSQL
import StoreTestSupport
import TestSupport
import Testing

@testable import BillingStorage

@Suite("Storing the catalog", .timeLimit(.minutes(5)))
struct CatalogStoreTests {
    private static let first = StoredCatalog(["plans": [["id": "basic"]], "products": []])
    private static let second = StoredCatalog(["plans": [["id": "pro"]], "products": []])

    /// Runs `body` with the store of an empty store, and a way to open it again.
    private func withStore(
        on store: TestStore, _ body: (CatalogStore, _ again: () async throws -> CatalogStore) async throws -> Void
    ) async throws {
        let database = try await store.open()
        try await body(try await CatalogStore.open(database)) { try await CatalogStore.open(database.openAgain()) }
    }

    @Test("the ETag is the SHA-256 of the canonical document, in quotes")
    func etag() {
        #expect(StoredCatalog([:]).etag == "\"44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a\"")
        #expect(String(decoding: Self.first.bytes, as: UTF8.self) == #"{"plans":[{"id":"basic"}],"products":[]}"#)
        #expect(Self.first.etag != Self.second.etag)
    }

    @Test("a catalog is read back as it was stored, also by another process", arguments: TestStore.shared)
    func readBack(_ store: TestStore) async throws {
        try await withStore(on: store) { store, again in
            #expect(try await store.read() == nil)
            #expect(try await store.replace(with: Self.first, at: .now))
            let stored = try #require(try await again().read())
            #expect(stored.bytes == Self.first.bytes && stored.etag == Self.first.etag)
            #expect(stored.body == Self.first.body)
        }
    }

    @Test("a replacement happens only under its condition", arguments: TestStore.shared)
    func conditions(_ store: TestStore) async throws {
        try await withStore(on: store) { store, _ in
            let nothingStored = [
                try await store.replace(with: Self.first, if: .anything, at: .now),
                try await store.replace(with: Self.first, if: .oneOf([Self.first.etag]), at: .now),
            ]
            #expect(nothingStored == [false, false])
            let replaced = [
                try await store.replace(with: Self.first, at: .now),
                try await store.replace(with: Self.second, if: .oneOf([Self.second.etag]), at: .now),
                try await store.replace(with: Self.second, if: .oneOf(["x", Self.first.etag]), at: .now),
                try await store.replace(with: Self.first, if: .oneOf([Self.first.etag]), at: .now),
                try await store.replace(with: Self.first, if: .anything, at: .now),
            ]
            #expect(replaced == [true, false, true, false, true])
            #expect(try await store.read()?.etag == Self.first.etag)
        }
    }

    @Test(
        "of many replacements of one version exactly one happens, over several connections", arguments: TestStore.shared
    )
    func atomic(_ store: TestStore) async throws {
        try await withStore(on: store) { store, again in
            _ = try await store.replace(with: Self.first, at: .now)
            let stores = [store, try await again(), try await again()]
            let won = try await withThrowingTaskGroup(of: Bool.self) { group in
                for number in 0..<60 {
                    let catalog = StoredCatalog(["n": .integer(Int64(number))])
                    group.addTask {
                        try await stores[number % 3].replace(
                            with: catalog, if: .oneOf([Self.first.etag]), at: .now)
                    }
                }
                return try await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
            }
            #expect(won == 1)
        }
    }

    @Test("the version grows with every replacement, also when the clock steps back", arguments: TestStore.allCases)
    func versions(_ store: TestStore) async throws {
        let database = try await store.open()
        let store = try await CatalogStore.open(database)
        var versions: [Int64?] = [try await database.read { try CatalogStore.version(on: $0) }]
        for nanoseconds in [100, 100, 50, 200] as [Int64] {
            _ = try await store.replace(with: Self.first, at: Timestamp(clampingNanoseconds: nanoseconds))
            versions.append(try await database.read { try CatalogStore.version(on: $0) })
        }
        #expect(versions == [nil, 100, 101, 102, 200])
    }
}
