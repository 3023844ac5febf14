import BillingCore
import BusContract
import BusCore
import StoreTestSupport
import TestSupport
import Testing

@testable import BillingWorker

struct UsageExportTests {
    @Test("a key is handed over once and counted once, however often it is asked for", arguments: TestStore.allCases)
    func once(_ store: TestStore) async throws {
        try await BillingBench.run(on: store) { bench in
            try await bench.update("evt_1", "active")
            for round in 0..<4 {
                let answer = try await bench.export("use_1", 30, id: round < 2 ? "bus_1" : "bus_\(round)")
                #expect(
                    answer == [
                        "account_id": .string(BillingBench.account), "meter_event_name": "tokens", "quantity": 30,
                        "idempotency_key": "use_1", "status": "exported", "exported": true, "provider": "stripe",
                        "provider_event_id": .string("use_1~\(BillingBench.place)"),
                    ])
            }
            #expect(bench.provider.usages.count == 1)
            #expect(try await bench.used("minute") == 30)
            #expect(try await bench.used("month") == 30)
        }
    }

    @Test(
        "a refusal is a normal answer that counts nothing; a repetition may correct quantity and time",
        arguments: TestStore.allCases)
    func refused(_ store: TestStore) async throws {
        let provider = ScriptedProvider(outcomes: [.refused(reason: "stripe_error")])
        try await BillingBench.run(on: store, provider: provider) { bench in
            try await bench.update("evt_1", "active", at: BillingBench.noon.seconds - 3_600)
            let refused = try await bench.export("use_1", 30)
            #expect(refused["status"] == "failed")
            #expect(refused["exported"] == false)
            #expect(refused["reason"] == "stripe_error")
            #expect(refused["queued"] == nil)
            #expect(try await bench.used("minute") == 0)
            let earlier = BillingBench.noon.advanced(bySeconds: -60)
            #expect(try await bench.export("use_1", 29, usedAt: earlier)["exported"] == true)
            #expect(bench.provider.usages.map(\.quantity) == [30, 29])
            #expect(bench.provider.usages.map(\.occurredAt) == [BillingBench.noon, earlier])
            #expect(try await bench.used("minute", at: earlier) == 29)
        }
    }

    @Test(
        "what nobody answered is sent again with the same key, but not after providers have forgotten it",
        arguments: TestStore.allCases)
    func unknownOutcome(_ store: TestStore) async throws {
        let silence = UsageOutcome.unknown(reason: "provider_timeout")
        let provider = ScriptedProvider(outcomes: [silence, silence])
        try await BillingBench.run(on: store, provider: provider) { bench in
            try await bench.update("evt_1", "active")
            for key in ["use_1", "use_2"] {
                let answer = try await bench.export(key, 30)
                #expect(answer["reason"] == "provider_timeout" && answer["queued"] == true)
            }
            let soon = BillingBench.noon.advanced(bySeconds: 3_600)
            #expect(try await bench.export("use_1", 30, at: soon)["exported"] == true)
            let late = BillingBench.noon.advanced(bySeconds: 2 * 86_400)
            let answer = try await bench.export("use_2", 30, at: late)
            #expect(answer["reason"] == "outcome_unknown")
            #expect(answer["exported"] == false && answer["queued"] == nil)
            #expect(try await bench.export("use_2", 31, at: late)["reason"] == "idempotency_conflict")
            #expect(
                bench.provider.usages.map(\.idempotencyKey)
                    == ["use_1", "use_2", "use_1"].map { "\($0)~\(BillingBench.place)" })
        }
    }

    @Test("without active billing or a customer nothing is sent", arguments: TestStore.allCases)
    func notReady(_ store: TestStore) async throws {
        try await BillingBench.run(on: store) { bench in
            #expect(try await bench.export("use_1", 30)["reason"] == "billing_required")
            try await bench.update("evt_1", "active", more: ["provider_customer_id": ""])
            let waiting = try await bench.export("use_1", 30)
            #expect(waiting["reason"] == "customer_unknown" && waiting["queued"] == true)
            #expect(bench.provider.usages.isEmpty)
            try await bench.update("evt_2", "active", at: BillingBench.noon.seconds + 1)
            #expect(try await bench.export("use_1", 30)["exported"] == true)
        }
    }

    @Test("a key stands for one usage: another quantity under it is refused", arguments: TestStore.allCases)
    func conflict(_ store: TestStore) async throws {
        try await BillingBench.run(on: store) { bench in
            try await bench.update("evt_1", "active")
            _ = try await bench.export("use_1", 30)
            #expect(try await bench.export("use_1", 31)["reason"] == "idempotency_conflict")
            #expect(try await bench.used("minute") == 30)
        }
    }

    @Test("parallel requests for one key count once", arguments: TestStore.allCases)
    func parallel(_ store: TestStore) async throws {
        try await BillingBench.run(on: store) { bench in
            try await bench.update("evt_1", "active")
            await withTaskGroup(of: Void.self) { group in
                for number in 0..<50 {
                    group.addTask {
                        // One of several at once hands it over; the others come again for the answer.
                        while await bench.ask(
                            Exchange.usageExport.request, BillingBench.usage("use_\(number % 5)", 2),
                            id: "bus_\(number)"
                        ).error != nil {}
                    }
                }
            }
            #expect(try await bench.used("minute") == 10)
        }
    }

    private func request(_ data: String) throws -> UsageExportRequest {
        try UsageExportRequest(
            JSONText([
                "account_id": .string(BillingBench.account), "data": try JSONValue(parsing: Array(data.utf8)),
            ]))
    }

    @Test(
        "the quantity is the first form that is present",
        arguments: [
            (#"{"total_tokens":7,"tokens":9}"#, 7), (#"{"tokens":9,"input_tokens":1}"#, 9),
            (#"{"input_tokens":2,"output_tokens":3,"prompt_tokens":50}"#, 5), (#"{"output_tokens":3}"#, 3),
            (#"{"prompt_tokens":4,"completion_tokens":5.0}"#, 9), (#"{"total_tokens":"7","tokens":1}"#, 1),
        ])
    func derivedQuantity(_ data: String, _ quantity: Int64) throws {
        #expect(try request(data).quantity == quantity)
    }

    @Test(
        "a quantity that is no positive whole number is refused",
        arguments: [
            #"{}"#, #"{"total_tokens":0}"#, #"{"total_tokens":-1,"tokens":5}"#, #"{"total_tokens":1.5}"#,
            #"{"input_tokens":0,"output_tokens":0}"#, #"{"total_tokens":1000000000000000}"#,
        ])
    func noQuantity(_ data: String) {
        #expect(throws: FieldFault.self) {
            try request(data)
        }
    }

    @Test("usage without an event id has a key made of account, meter and quantity", arguments: TestStore.allCases)
    func derivedKey(_ store: TestStore) async throws {
        try await BillingBench.run(on: store) { bench in
            try await bench.update("evt_1", "active")
            for _ in 0..<2 {
                let answer = try await bench.answer(
                    Exchange.usageExport.request,
                    ["account_id": .string(BillingBench.account), "meter_event_name": "tokens", "quantity": 5])
                #expect(answer["idempotency_key"] == "usage_9e923de4c398da0382231877ab360c0bad698a4e")
            }
            #expect(try await bench.used("minute") == 5)
        }
    }
}
