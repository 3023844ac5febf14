import BusContract
import BusCore
import StripeCore
import TestSupport
import Testing

@testable import StripeIntegration

private let account = StripeWorkers.account

extension StripeDouble {
    /// The customers of the sessions so far.
    var buyers: [String?] { snapshot.checkouts.map { $0["customer"] } }
    /// The customers that came to be.
    var made: [String] { snapshot.madeCustomers[account] ?? [] }
    /// The customer of the last portal.
    var visitor: String? {
        requests.last { $0.path == "/v1/billing_portal/sessions" }
            .flatMap { StripeFormReader.pairs($0.body).first { $0[0] == "customer" }?[1] }
    }
}

/// Which customer an account pays as.
struct AccountCustomerTests {
    @Test("an account's first session makes its customer; later ones ask for nothing more")
    func firstSession() async throws {
        try await StripeWorkers.run { workers in
            let worker = workers.start()
            #expect(await worker.checkout(key: "1").code == nil)
            #expect(
                workers.calls() == [
                    "GET /v1/prices/price_default", "GET /v1/customers/search", "POST /v1/customers",
                    "POST /v1/checkout/sessions",
                ])
            #expect(await worker.checkout(key: "2").code == nil)
            #expect(workers.calls(since: 4) == ["POST /v1/checkout/sessions"])
            #expect(workers.double.buyers == ["cus_test_1", "cus_test_1"])
            #expect(await worker.portal().code == nil)
            #expect(workers.calls(since: 5) == ["POST /v1/billing_portal/sessions"])
        }
    }

    @Test("a customer that the request names is asked about nothing")
    func named() async throws {
        try await StripeWorkers.run { workers in
            let worker = workers.start()
            #expect(await worker.checkout(["customer_id": "cus_9", "email": "a@example.com"]).code == nil)
            #expect(workers.calls() == ["GET /v1/prices/price_default", "POST /v1/checkout/sessions"])
            #expect(workers.double.buyers == ["cus_9"] && workers.double.made == [])
        }
    }

    @Test("a guest who pays once is a customer, with a portal after a restart of the worker")
    func guest() async throws {
        try await StripeWorkers.run { workers in
            #expect(await workers.start().checkout(["mode": "payment", "email": "a@example.com"]).code == nil)
            #expect(workers.double.buyers == ["cus_test_1"])
            #expect(workers.double.snapshot.emails == ["cus_test_1": "a@example.com"])
            #expect(workers.double.snapshot.checkouts.first?["customer_email"] == nil)
            #expect(await workers.start().portal().code == nil)
            #expect(workers.double.visitor == "cus_test_1")
        }
    }

    @Test("requests at once, in two workers and with different e-mails, make one customer although no search finds it")
    func atOnce() async throws {
        try await StripeWorkers.run { workers in
            workers.double.set { $0.searchLags = true }
            await withTaskGroup(of: Void.self) { group in
                for number in 0..<16 {
                    group.addTask {
                        let email: [String: JSONValue] =
                            number % 3 == 0 ? [:] : ["email": .string("\(number)@example.com")]
                        let answer = await workers.start().checkout(email, key: "\(number)")
                        #expect(answer.code == nil)
                    }
                }
            }
            #expect(workers.double.made == ["cus_test_1"])
            #expect(workers.double.buyers == Array(repeating: "cus_test_1", count: 16))
        }
    }

    @Test("a search that lists deleted customers leads to the oldest living one", arguments: [1, 5])
    func deletedOnesFirst(dead: Int) async throws {
        try await StripeWorkers.run { workers in
            let gone = (0..<dead).map { "cus_gone_\($0)" }
            workers.double.set {
                $0.customers = [account: gone + ["cus_living", "cus_newer"]]
                $0.missing = Set(gone)
            }
            #expect(await workers.start().portal().code == nil)
            #expect(workers.double.visitor == "cus_living")
            #expect(await workers.start().checkout().code == nil)
            #expect(workers.double.buyers == ["cus_living"] && workers.double.made == [])
        }
    }

    @Test("a customer that Stripe does not know any more is replaced, and asked for no more")
    func replaced() async throws {
        try await StripeWorkers.run { workers in
            workers.double.set { $0.missing = ["cus_gone"] }
            let worker = workers.start()
            #expect(await worker.checkout(["customer_id": "cus_gone"], key: "1").code == nil)
            #expect(workers.double.buyers == ["cus_test_1"])
            // Billing goes on naming the old one until it learns of the deletion.
            let before = workers.calls().count
            #expect(await worker.checkout(["customer_id": "cus_gone"], key: "2").code == nil)
            #expect(await worker.portal(["customer_id": "cus_gone"]).code == nil)
            #expect(workers.calls(since: before) == ["POST /v1/checkout/sessions", "POST /v1/billing_portal/sessions"])
            #expect(workers.double.buyers.last == "cus_test_1" && workers.double.visitor == "cus_test_1")
            #expect(workers.double.made == ["cus_test_1"])
        }
    }

    @Test("customers deleted on the day they were made are replaced, although Stripe remembers them under their keys")
    func deletedToday() async throws {
        try await StripeWorkers.run { workers in
            workers.double.set { $0.searchLags = true }
            var worker = workers.start()
            for number in 1...4 {
                // With and without a memory of its own, a worker comes to the same customer.
                if number == 3 { worker = workers.start() }
                let other = workers.start()
                async let first = worker.checkout(key: "a\(number)")
                async let second = other.checkout(key: "b\(number)")
                let codes = await [first.code, second.code]
                #expect(codes == [nil, nil])
                #expect(workers.double.made.count == number)
                let newest = try #require(workers.double.made.last)
                #expect(workers.double.buyers.suffix(2) == [newest, newest])
                workers.double.set { $0.missing.insert(newest) }
            }
        }
    }

    @Test("a repeated request gets the same page, also when its customer had to be replaced")
    func sameKey() async throws {
        try await StripeWorkers.run { workers in
            workers.double.set { $0.missing = ["cus_gone"] }
            let worker = workers.start()
            for repeating in [worker, worker, workers.start()] {
                #expect(await repeating.checkout(["customer_id": "cus_gone"]).sessionID == "cs_test_1")
            }
            // Another customer in its place is not other content under the same key.
            #expect(await worker.checkout(["customer_id": "cus_9"]).sessionID == "cs_test_2")
            #expect(workers.double.buyers == ["cus_test_1", "cus_9"])
        }
    }

    @Test("a customer is replaced once; a second one that is gone is an error")
    func replacedOnce() async throws {
        let gone =
            #"{"error":{"type":"invalid_request_error","code":"resource_missing","param":"customer","message":"x"}}"#
        try await StripeWorkers.run { workers in
            let worker = workers.start()
            workers.double.set { world in
                // The calls: price, session, search, creation, session.
                for call in [1, 4] { world.faultsAt[call] = .status(404, body: gone) }
            }
            #expect(await worker.checkout(["customer_id": "cus_9"]).code == "stripe_error")
            #expect(workers.calls().count == 5)
        }
    }

    @Test("a failure that Stripe keeps under the creation key locks nobody out")
    func keptFailure() async throws {
        try await StripeWorkers.run { workers in
            workers.double.set { $0.faultsAt[2] = .storedStatus(500) }
            #expect(await workers.start().checkout(key: "1").code == nil)
            workers.double.set { $0.searchLags = true }
            #expect(await workers.start().checkout(key: "2").code == nil)
            #expect(workers.double.made == ["cus_test_1"])
            #expect(workers.double.buyers == ["cus_test_1", "cus_test_1"])
        }
    }

    @Test("where Stripe offers no search, the creation key alone makes sure that there is one customer")
    func noSearch() async throws {
        try await StripeWorkers.run { workers in
            workers.double.set { $0.faultsAt = [1: .status(400), 5: .status(400)] }
            for key in ["1", "2"] { #expect(await workers.start().checkout(key: key).code == nil) }
            #expect(workers.double.made == ["cus_test_1"])
            #expect(workers.double.buyers == ["cus_test_1", "cus_test_1"])
        }
    }

    @Test("test and live have a customer each")
    func modes() async throws {
        try await StripeWorkers.run { workers in
            _ = await workers.start().checkout()
            workers.double.set {
                $0.catalog.isLive = true
                $0.searchLags = true
            }
            _ = await workers.start(.live).checkout()
            let keys = workers.double.requests.filter { $0.path == "/v1/customers" }
                .compactMap { $0.headers["idempotency-key"] }
            #expect(keys.count == 2 && keys[0].contains("-test-") && keys[1].contains("-live-"))
        }
    }

    @Test("what is remembered has a bound; full, it begins anew")
    func bound() {
        var memory = Remembered<Int>()
        for number in 0..<Limits.stripeObjectsKeptMax { memory["\(number)"] = number }
        #expect(memory["0"] == 0)
        memory["0"] = 1
        #expect(memory["1"] == 1 && memory["0"] == 1)
        memory["one more"] = 2
        #expect(memory["one more"] == 2 && memory["1"] == nil)
        memory["one more"] = nil
        #expect(memory["one more"] == nil)
    }
}

/// A portal makes nobody a customer.
struct PortalCustomerTests {
    @Test("a portal of an account without a customer says what is missing, and makes none")
    func nobody() async throws {
        try await StripeWorkers.run { workers in
            let answer = await workers.start().portal()
            #expect(answer.code == "customer_unresolved")
            #expect(answer.message.contains("finish a checkout first"))
            #expect(answer.message.contains("Accounts v2 are not supported"))
            #expect(workers.calls() == ["GET /v1/customers/search"])
        }
    }

    @Test("a portal for a deleted customer opens for the living one, or says that there is none")
    func deleted() async throws {
        try await StripeWorkers.run { workers in
            workers.double.set { $0.missing = ["cus_gone"] }
            #expect(await workers.start().portal(["customer_id": "cus_gone"]).code == "customer_unresolved")
            workers.double.set { $0.customers = [account: ["cus_gone", "cus_living"]] }
            #expect(await workers.start().portal(["customer_id": "cus_gone"]).code == nil)
            #expect(workers.double.visitor == "cus_living")
            #expect(workers.double.made == [])
        }
    }

    @Test("a customer of Accounts v2 is refused by its name, also for usage, which needs a customer")
    func accountsV2() async throws {
        try await StripeWorkers.run { workers in
            let worker = workers.start()
            let named: [String: JSONValue] = ["provider_customer_id": "acct_1ABC"]
            for answer in [
                await worker.portal(named), await worker.checkout(named), await worker.meter(named),
                await worker.meter(),
            ] {
                #expect(answer.code == "invalid_request")
                #expect(answer.message.contains("provider_customer_id") && answer.message.contains("Accounts v2"))
            }
            #expect(workers.calls() == [])
        }
    }
}
