import BillingStorage
import BusAuth
import BusContract
import BusCore
import BusSQL
import HTTPTypes
import TestSupport
import Testing

@testable import BillingAPI

struct CatalogRouteTests {
    private static let first = #"{"products":[],"plans":[],"meters":[],"ours":1}"#
    private static let second = #"{ "meters": [], "plans": [], "products": [], "ours": 2 }"#

    @Test func withoutACatalogThereIsNone() async throws {
        try await BillingBench.run { bench in
            let answer = try await bench.send(.getCatalog)
            #expect(answer.status == 404 && answer.errorType == "catalog_not_found")
        }
    }

    @Test func aCatalogIsKeptWithUnknownMembersUnderItsETag() async throws {
        try await BillingBench.run { bench in
            let put = try await bench.send(.putCatalog, Self.second)
            #expect(put.status == 200)
            #expect(put.text == #"{"meters":[],"ours":2,"plans":[],"products":[]}"#)
            let get = try await bench.send(.getCatalog)
            #expect(get.bytes == put.bytes)
            let etag = StoredCatalog(try JSONValue(parsing: get.bytes)).etag
            #expect(put.headers[.eTag] == etag && get.headers[.eTag] == etag)
            #expect(etag.count == 66)
        }
    }

    @Test func anUnchangedCatalogIsNotSentAgain() async throws {
        try await BillingBench.run { bench in
            let etag = try #require(try await bench.send(.putCatalog, Self.first).headers[.eTag])
            for header in [etag, "\"x\", \(etag)", "W/\(etag)", "*"] {
                let answer = try await bench.send(.getCatalog, headers: [.ifNoneMatch: header])
                #expect(answer.status == 304 && answer.bytes.isEmpty, "\(header)")
                #expect(answer.headers[.eTag] == etag)
            }
            #expect(try await bench.send(.getCatalog, headers: [.ifNoneMatch: "\"x\""]).status == 200)
        }
    }

    @Test func aReplacementHonoursIfMatch() async throws {
        try await BillingBench.run { bench in
            func put(_ body: String, _ header: String) async throws -> BillingBench.Answer {
                try await bench.send(.putCatalog, body, headers: [.ifMatch: header])
            }
            #expect(try await put(Self.first, "*").errorType == "precondition_failed")
            #expect(try await bench.send(.getCatalog).status == 404)
            let etag = try #require(try await bench.send(.putCatalog, Self.first).headers[.eTag])
            let other = try await put(Self.second, "\"x\"")
            #expect(other.status == 412 && other.errorType == "precondition_failed")
            // If-Match compares strongly.
            #expect(try await put(Self.second, "W/\(etag)").status == 412)
            #expect(try await bench.send(.getCatalog).headers[.eTag] == etag)
            #expect(try await put(Self.second, "\"x\", \(etag)").status == 200)
            #expect(try await put(Self.second, etag).status == 412)
            #expect(try await put(Self.first, "*").status == 200)
            #expect(try await bench.send(.getCatalog).headers[.eTag] == etag)
        }
    }

    @Test func ofManyEditorsOfOneVersionOneWins() async throws {
        try await BillingBench.run { bench in
            let etag = try #require(try await bench.send(.putCatalog, Self.first).headers[.eTag])
            let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                for number in 0..<20 {
                    let body = #"{"products":[],"plans":[],"meters":[],"editor":\#(number)}"#
                    group.addTask {
                        try await bench.send(.putCatalog, body, headers: [.ifMatch: etag]).status
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(statuses.sorted() == [200] + Array(repeating: 412, count: 19))
        }
    }

    @Test func everyProblemIsReportedAndNothingStored() async throws {
        try await BillingBench.run { bench in
            let answer = try await bench.send(.putCatalog, #"{"products":1,"plans":2,"meters":3}"#)
            #expect(answer.status == 400 && answer.errorType == "bad_request")
            let lines = (answer.errorMessage ?? "").split(separator: "\n")
            #expect(lines.count >= 3, "\(lines)")
            #expect(lines.allSatisfy { $0.hasPrefix("catalog: ") })
            for member in ["products", "plans", "meters"] {
                #expect(lines.contains { $0.contains(member) }, "\(member)")
            }
            #expect(try await bench.send(.getCatalog).status == 404)
        }
    }

    private static let onlyPro = #"""
        {"products":[{"id":"llm","name":"LLM"}],"meters":[],"plans":[{"id":"pro","product_id":"llm",
        "features":["llm:proxy"],"prices":[{"lookup_key":"pro_month","currency":"eur","unit_amount":100}]}]}
        """#

    @Test func aPlanThatAccountsHaveIsDroppedOnlyWhenItIsForced() async throws {
        try await BillingBench.run { bench in
            try await bench.subscribe([BillingBench.alice, BillingBench.bob], to: "basic", of: BillingBench.twoPlans)
            try await bench.subscribe(to: "basic", of: BillingBench.twoPlans, status: .pastDue)
            let refused = try await bench.send(.putCatalog, Self.onlyPro)
            #expect(refused.status == 409 && refused.errorType == "plan_in_use")
            #expect(refused.errorMessage?.contains("basic (2 accounts);") == true, "\(refused.text)")
            #expect(try await bench.send(.getCatalog).text.contains(#""id":"basic""#))
            let path = "\(Operation.putCatalog.path)?force="
            func put(_ word: String) async throws -> BillingBench.Answer {
                try await bench.send(.put, path + word, Self.onlyPro, token: Operation.putCatalog.token)
            }
            #expect(try await put("false").status == 409)
            #expect(try await put("yes").errorType == "bad_request")
            #expect(try await put("true").status == 200)
            #expect(try await !bench.send(.getCatalog).text.contains(#""id":"basic""#))
        }
    }

    @Test func aPlanThatNobodyHasAnyMoreIsDropped() async throws {
        try await BillingBench.run { bench in
            try await bench.subscribe(to: "pro", of: BillingBench.twoPlans)
            try await bench.subscribe([BillingBench.bob], to: "basic", of: BillingBench.twoPlans, status: .canceled)
            #expect(try await bench.send(.putCatalog, Self.onlyPro).status == 200)
        }
    }

    @Test func subscriptionsOfTheOtherModeKeepNoPlan() async throws {
        try await BillingBench.run { bench in
            try await bench.subscribe([BillingBench.bob], to: "basic", of: BillingBench.twoPlans)
            #expect(try await bench.send(.putCatalog, Self.onlyPro).status == 409)
            try await bench.subscribe(to: "pro", of: BillingBench.twoPlans, livemode: true)
            #expect(try await bench.send(.putCatalog, Self.onlyPro).status == 200)
        }
    }

    @Test("a catalog that an earlier release took with a currency that is refused today still keeps plans in use")
    func earlierCatalogKeepsPlansInUse() async throws {
        try await BillingBench.run { bench in
            try await bench.subscribe(to: "basic", of: BillingBench.twoPlans)
            let before = try await bench.send(.getCatalog).text
            _ = try await bench.database.write {
                try $0.run("UPDATE bus_billing_catalog SET body = replace(body, '\"eur\"', '\"xyz\"')")
            }
            #expect(try await bench.send(.getCatalog).text != before)
            #expect(try await bench.send(.putCatalog, Self.onlyPro).errorType == "plan_in_use")
        }
    }

    @Test func aBrokenCatalogInTheStoreCanBeReplaced() async throws {
        try await BillingBench.run { bench in
            try await bench.subscribe(to: "basic", of: BillingBench.twoPlans)
            _ = try await bench.database.write { try $0.run("UPDATE bus_billing_catalog SET body = '{}'") }
            #expect(try await bench.send(.putCatalog, Self.onlyPro).status == 200)
        }
    }

    @Test("an amount with a point is refused with what to write; a byte order mark is skipped, and UTF-16 is named")
    func moneyAndEncodings() async throws {
        @Sendable func document(_ amount: String) -> String {
            #"{"products":[{"id":"p","name":"P"}],"meters":[],"plans":[{"id":"a","product_id":"p","features":[],"#
                + #""prices":[{"currency":"eur","unit_amount":\#(amount),"interval":"month"}]}]}"#
        }
        try await BillingBench.run { bench in
            let answer = try await bench.send(.putCatalog, document("49.00"))
            #expect(answer.status == 400 && answer.errorType == "bad_request")
            #expect(
                answer.errorMessage == "catalog: $.plans[0].prices[0].unit_amount: has a point, and minor units have "
                    + "none; write 4900 for 49.00 EUR")
            let wide = try await bench.send(.putCatalog, document("4900").map { "\($0)\0" }.joined())
            #expect(wide.status == 400 && wide.errorMessage == "catalog: $: is UTF-16 text; save it as UTF-8")
            #expect(try await bench.send(.getCatalog).status == 404)
            let marked = try await bench.send(.putCatalog, "\u{FEFF}" + document("0"))
            #expect(marked.status == 200 && marked.text.hasPrefix("{\"meters\""))
        }
    }

    @Test func withoutADatabaseThereIsNoCatalog() async throws {
        try await BillingBench.run(hasCatalog: false) { bench in
            for operation in [Operation.getCatalog, .putCatalog] {
                let answer = try await bench.send(operation)
                #expect(answer.status == 503 && answer.errorType == "storage_unavailable")
                #expect(answer.headers[.retryAfter] != nil)
            }
        }
    }
}
