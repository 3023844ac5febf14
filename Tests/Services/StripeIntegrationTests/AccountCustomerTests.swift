import BusContract
import BusCore
import StripeCore
import StripeTestSupport
import TestSupport
import Testing

@testable import StripeIntegration

private let account = StripeWorkers.account

extension StripeWorkers {
    /// A customer who was deleted.
    fileprivate func deleted() async throws -> JSONValue {
        let id = try await stripe.addCustomer()
        try await stripe.delete("/v1/customers/\(id)")
        return .string(id)
    }
}

extension LoopbackStripe {
    /// Deletes customers, whom a search goes on finding.
    fileprivate func forget(_ customers: [String]) async throws {
        advance(bySeconds: 7_200)
        try await dial(["search_lag": "1h"])
        for customer in customers { try await delete("/v1/customers/\(customer)") }
    }
}

/// Which customer an account pays as.
struct AccountCustomerTests {
    /// A search finds nobody who was made today.
    private static let lag: JSONValue = ["search_lag": "24h"]

    @Test("an account's first session makes its customer; later ones ask for nothing more")
    func firstSession() async throws {
        try await StripeWorkers.run { workers in
            let worker = workers.start()
            #expect(await worker.checkout(key: "1").code == nil)
            #expect(
                workers.calls() == [
                    "GET /v1/prices/\(workers.price)", "GET /v1/customers/search", "POST /v1/customers",
                    "POST /v1/checkout/sessions",
                ])
            #expect(await worker.checkout(key: "2").code == nil)
            #expect(workers.calls(since: 4) == ["POST /v1/checkout/sessions"])
            let (made, buyers) = (try await workers.customers, try await workers.buyers)
            #expect(made.count == 1 && buyers == [made[0], made[0]])
            #expect(await worker.portal().code == nil)
            #expect(workers.calls(since: 5) == ["POST /v1/billing_portal/sessions"])
        }
    }

    @Test("a customer that the request names is asked about nothing")
    func named() async throws {
        try await StripeWorkers.run { workers in
            let worker = workers.start()
            let named = try await workers.stripe.addCustomer()
            let fields: [String: JSONValue] = ["customer_id": .string(named), "email": "a@example.com"]
            #expect(await worker.checkout(fields).code == nil)
            #expect(workers.calls() == ["GET /v1/prices/\(workers.price)", "POST /v1/checkout/sessions"])
            #expect(try await workers.buyers == [named])
            #expect(try await workers.customers == [named])
        }
    }

    @Test("a guest who pays once is a customer, with a portal after a restart of the worker")
    func guest() async throws {
        try await StripeWorkers.run { workers in
            let worker = workers.start(price: try await workers.stripe.sellOnce())
            #expect(await worker.checkout(["mode": "payment", "email": "a@example.com"]).code == nil)
            let made = try await workers.stripe.list("/v1/customers")
            #expect(made.map { $0["email"] } == ["a@example.com"])
            let session = try #require(try await workers.sessions.first)
            #expect(session["customer"] == made[0]["id"] && session["customer_email"] == nil)
            #expect(await workers.start().portal().code == nil)
            #expect(workers.visitor == made[0]["id"]?.text)
        }
    }

    @Test("requests at once, in two workers and with different e-mails, make one customer although no search finds it")
    func atOnce() async throws {
        try await StripeWorkers.run { workers in
            try await workers.stripe.dial(Self.lag)
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
            let made = try await workers.customers
            #expect(made.count == 1)
            #expect(try await workers.buyers == Array(repeating: made.first, count: 16))
        }
    }

    @Test("a search that lists deleted customers leads to the oldest living one", arguments: [1, 5])
    func deletedOnesFirst(dead: Int) async throws {
        try await StripeWorkers.run { workers in
            let stripe = workers.stripe
            var gone: [String] = []
            for _ in 0..<dead { gone.append(try await stripe.addCustomer(of: account)) }
            let living = try await stripe.addCustomer(of: account)
            let newer = try await stripe.addCustomer(of: account)
            try await stripe.forget(gone)
            #expect(await workers.start().portal().code == nil)
            #expect(workers.visitor == living)
            #expect(await workers.start().checkout().code == nil)
            #expect(try await workers.buyers == [living])
            #expect(try await workers.customers == [living, newer])
            let deleted = workers.calls().filter { $0.hasPrefix("GET /v1/customers/cus_") }
            #expect(deleted.count >= dead, "the search listed them")
        }
    }

    @Test("a customer that Stripe does not know any more is replaced, and asked for no more")
    func replaced() async throws {
        try await StripeWorkers.run { workers in
            let gone = try await workers.deleted()
            let worker = workers.start()
            #expect(await worker.checkout(["customer_id": gone], key: "1").code == nil)
            let (made, buyers) = (try await workers.customers, try await workers.buyers)
            #expect(made.count == 1 && buyers == made)
            // Billing goes on naming the old one until it learns of the deletion.
            let before = workers.calls().count
            #expect(await worker.checkout(["customer_id": gone], key: "2").code == nil)
            #expect(await worker.portal(["customer_id": gone]).code == nil)
            #expect(workers.calls(since: before) == ["POST /v1/checkout/sessions", "POST /v1/billing_portal/sessions"])
            #expect(try await workers.buyers == [made[0], made[0]])
            #expect(workers.visitor == made[0])
            #expect(try await workers.customers == made)
        }
    }

    @Test("customers deleted on the day they were made are replaced, although Stripe remembers them under their keys")
    func deletedToday() async throws {
        try await StripeWorkers.run { workers in
            try await workers.stripe.dial(Self.lag)
            var worker = workers.start()
            var seen: Set<String> = []
            for number in 1...4 {
                // With and without a memory of its own, a worker comes to the same customer.
                if number == 3 { worker = workers.start() }
                let other = workers.start()
                async let first = worker.checkout(key: "a\(number)")
                async let second = other.checkout(key: "b\(number)")
                let codes = await [first.code, second.code]
                #expect(codes == [nil, nil])
                // The others were deleted.
                let made = try await workers.customers
                let newest = try #require(made.first)
                #expect(made.count == 1 && seen.insert(newest).inserted)
                #expect(try await workers.buyers.suffix(2) == [newest, newest])
                try await workers.stripe.delete("/v1/customers/\(newest)")
            }
        }
    }

    @Test("a repeated request gets the same page, also when its customer had to be replaced")
    func sameKey() async throws {
        try await StripeWorkers.run { workers in
            let gone = try await workers.deleted()
            let worker = workers.start()
            var pages: Set<String?> = []
            for repeating in [worker, worker, workers.start()] {
                pages.insert(await repeating.checkout(["customer_id": gone]).sessionID)
            }
            #expect(try await workers.sessions.map { $0["id"]?.text } == Array(pages))
            // Another customer in its place is not other content under the same key.
            let made = try #require(try await workers.customers.first)
            let other = try await workers.stripe.addCustomer()
            let second = await worker.checkout(["customer_id": .string(other)]).sessionID
            #expect(try await workers.sessions.map { $0["id"]?.text } == Array(pages) + [second])
            #expect(try await workers.buyers == [made, other])
        }
    }

    @Test("a customer is replaced once; a second one that is gone is an error")
    func replacedOnce() async throws {
        let gone =
            #"{"error":{"type":"invalid_request_error","code":"resource_missing","param":"customer","message":"x"}}"#
        try await StripeWorkers.run { workers in
            let worker = workers.start()
            // The calls: price, session, search, creation, session.
            for call in [1, 4] { workers.stripe.faultsAt[call] = .status(404, body: gone) }
            #expect(await worker.checkout(["customer_id": "cus_9"]).code == "stripe_error")
            #expect(workers.calls().count == 5)
        }
    }

    @Test("a failure that Stripe keeps under the creation key locks nobody out")
    func keptFailure() async throws {
        try await StripeWorkers.run { workers in
            workers.stripe.faultsAt[2] = .keptFailure
            #expect(await workers.start().checkout(key: "1").code == nil)
            try await workers.stripe.dial(Self.lag)
            #expect(await workers.start().checkout(key: "2").code == nil)
            let (made, buyers) = (try await workers.customers, try await workers.buyers)
            #expect(made.count == 1 && buyers == [made[0], made[0]])
        }
    }

    @Test("where Stripe offers no search, the creation key alone makes sure that there is one customer")
    func noSearch() async throws {
        try await StripeWorkers.run { workers in
            workers.stripe.faultsAt = [1: .status(400), 5: .status(400)]
            for key in ["1", "2"] { #expect(await workers.start().checkout(key: key).code == nil) }
            let (made, buyers) = (try await workers.customers, try await workers.buyers)
            #expect(made.count == 1 && buyers == [made[0], made[0]])
        }
    }

    @Test("test and live have a customer each")
    func modes() async throws {
        try await StripeWorkers.run { workers in
            _ = await workers.start().checkout()
            try await workers.stripe.dial(Self.lag)
            workers.stripe.isLive = true
            _ = await workers.start(.live).checkout()
            let keys = workers.stripe.requests.filter { $0.path == "/v1/customers" }
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
            let stripe = workers.stripe
            let stranger = try await workers.deleted()
            #expect(await workers.start().portal(["customer_id": stranger]).code == "customer_unresolved")
            let gone = try await stripe.addCustomer(of: account)
            let living = try await stripe.addCustomer(of: account)
            try await stripe.forget([gone])
            #expect(await workers.start().portal(["customer_id": .string(gone)]).code == nil)
            #expect(workers.visitor == living)
            #expect(try await workers.customers == [living])
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
