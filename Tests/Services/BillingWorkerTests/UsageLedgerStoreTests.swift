import BillingCore
import BillingStorage
import BusContract
import BusCore
import BusSQL
import StoreTestSupport
import TestSupport
import Testing

@testable import BillingWorker

/// The same histories as in memory, through the desk and a database.
struct UsageLedgerStoreTests {
    @Test("whatever fails, Stripe counts what the stored ledger accepted", arguments: TestStore.allCases)
    func histories(_ store: TestStore) async throws {
        let rounds = Rounds(25, proof: 3_000)
        for await round in rounds {
            let seed = PropertySettings.seed &+ UInt64(round)
            try await BillingBench.run(on: store) { bench in
                for (number, account) in StoredLedger.accounts.enumerated() {
                    try await bench.update(
                        "evt_\(number)", "active", subscription: "sub_\(number)",
                        more: ["account_id": .string(account), "provider_customer_id": .string("cus_\(number)")])
                }
                var world = UsageWorld(StoredLedger(bench: bench), seed: seed)
                try await world.run(steps: 80)
                #expect(world.faults.isEmpty, "BUS_TEST_SEED=\(seed): \(world.faults)")
            }
        }
        print("stored usage ledger, BUS_TEST_SEED=\(PropertySettings.seed)\n  histories              \(rounds.count)")
    }
}

/// The desk as the world's ledger.
private struct StoredLedger: UsageLedger {
    static let accounts = (1...2).map { "00000000-0000-4000-8000-00000000000\($0)" }

    let bench: BillingBench
    private var desk: BillingDesk { bench.requests.sender.desk }

    func begin(_ request: UsageExportRequest, event: String, at now: Timestamp) async throws -> UsageLedgerStep {
        do {
            switch try await desk.beginExport(request, usedAt: now, bench.provider.terms, eventID: event, at: now) {
            case .answered: return .answered
            case .send(let sending): return .send(sending)
            }
        } catch let error as BusError where error.code == .billingUnavailable {
            return .busy
        }
    }

    func beginDue(at now: Timestamp) async throws -> [UsageSending] {
        try await desk.beginDue(bench.provider.terms, at: now).sendings
    }

    func end(_ sending: UsageSending, _ outcome: UsageOutcome, event: String?, at now: Timestamp) async throws {
        _ = try await desk.endExport(sending, outcome, eventID: event, at: now)
    }

    func disown(_ providerKey: String, at now: Timestamp) async throws {
        let usage = UsageRefusal.Usage(idempotencyKey: providerKey, reason: "meter_event_customer_not_found")
        let refusal = UsageRefusal(provider: "stripe", livemode: false, usages: [usage])
        _ = try await desk.refuse(refusal, eventID: nil, at: now)
    }

    func rows() async throws -> [UsageExport] {
        var rows: [UsageExport] = []
        for account in Self.accounts {
            for meter in ["tokens", UsageStripe.laterMeter] {
                for number in 1...3 {
                    var request = UsageExportRequest()
                    (request.accountID, request.meterEventName) = (account, meter)
                    request.eventID = "use-\(number)"
                    let key = UsageKey(request, mode: .test)
                    rows += try await bench.database.read { try ExportLedger($0).export(key) }.map { [$0] } ?? []
                }
            }
        }
        return rows
    }

    func counted() async throws -> Int64 {
        try await bench.database.read {
            try $0.first("SELECT COALESCE(SUM(used), 0) FROM bus_billing_usage_counts WHERE span = 'total'")?
                .integer(0) ?? 0
        }
    }

    func identifier(for sending: UsageSending) -> String { sending.export.providerKey }
}
