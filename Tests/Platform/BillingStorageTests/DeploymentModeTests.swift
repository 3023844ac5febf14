import BillingCore
import BillingStorage
import BusContract
import BusCore
import BusRuntime
import BusSQL
import StoreTestSupport
import TestSupport
import Testing

struct DeploymentModeTests {
    private static let account = "00000000-0000-4000-8000-000000000001"
    private static let now = Timestamp(clampingSeconds: 1_785_600_000)

    @Test(
        "the first live update makes a deployment live for good, once, and test rows count no more",
        arguments: TestStore.allCases)
    func firstLiveUpdate(_ store: TestStore) async throws {
        let database = try await store.open()
        try await database.migrateBilling()
        let mode = try await DeploymentMode.open(database, setting: nil)
        #expect(try await status(database, mode) == .missing)
        #expect(try await apply(false, database) == false)
        #expect(try await status(database, mode) == .active)
        #expect(try await apply(true, database) == true)
        #expect(try await apply(true, database) == false)
        #expect(try await current(in: database, mode) == .live)
        #expect(try await status(database, mode) == .canceled)
        let reopened = try await DeploymentMode.open(database, setting: nil)
        #expect(try await current(in: database, reopened) == .live)
        #expect(mode.settleLive())
    }

    @Test(
        "the setting wins over what is stored, and other programs read it from the database",
        arguments: TestStore.allCases)
    func setting(_ store: TestStore) async throws {
        let database = try await store.open()
        try await database.migrateBilling()
        let mode = try await DeploymentMode.open(database, setting: .test)
        #expect(try await apply(true, database) == true)
        #expect(!mode.settleLive())
        #expect(try await current(in: database, mode) == .test)
        #expect(try await database.read { try DeploymentMode.stored(on: $0) } == .test)
        _ = try await DeploymentMode.open(database, setting: nil)
        #expect(try await database.read { try DeploymentMode.stored(on: $0) } == .live)
    }

    private func current(in database: TestDatabase, _ mode: DeploymentMode) async throws -> BillingMode {
        try await database.read { try mode.current(on: $0) }
    }

    private func status(_ database: TestDatabase, _ mode: DeploymentMode) async throws -> SubscriptionStatus {
        try await database.read { connection in
            try SubscriptionStore(connection).standing(of: Self.account, in: mode.current(on: connection)).status
        }
    }

    /// Stores an update that is active in test mode and canceled in live mode.
    private func apply(_ isLive: Bool, _ database: TestDatabase) async throws -> Bool {
        try await database.write { connection in
            var update = SubscriptionUpdate(
                eventID: UUIDText.random(), accountID: Self.account, provider: "stripe",
                status: isLive ? .canceled : .active, occurredAt: Self.now)
            update.providerSubscriptionID = "sub_1"
            update.features = ["llm:proxy"]
            update.livemode = isLive
            return try SubscriptionStore(connection).apply(update, source: nil, at: Self.now).isFirstLive
        }
    }
}
