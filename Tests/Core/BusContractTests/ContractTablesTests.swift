import BusContract
import BusCore
import TestSupport
import Testing

/// The tables of `docs/contract` say what the code does.
@Suite struct ContractTablesTests {
    @Test("the scope table names the scope of every name, and its rows are in the right order")
    func scopes() throws {
        let table = try ContractTable("events", "Scopes")
        let rows = table.rows.map {
            (pattern: ContractTable.words(in: $0[0])[0], scope: ContractTable.words(in: $0[1])[0])
        }
        func documented(_ name: String) -> String? {
            rows.first { row in
                row.pattern.hasSuffix("*") ? name.hasPrefix(row.pattern.dropLast()) : name == row.pattern
            }?.scope
        }
        let examples = rows.map { row in
            row.pattern.hasSuffix("*") ? row.pattern.dropLast() + "request" : row.pattern
        }
        for text in examples + AccessPolicy.knownNames.map(\.text) {
            let name = try #require(EventName(text))
            for action in [AccessPolicy.Action.send, .listen] {
                #expect("\(AccessPolicy.scope(for: name, to: action))" == documented(text), "\(text)")
            }
        }
        #expect(Set(examples).count == rows.count, "two rows for one name")
    }

    @Test("the table of exchanges has each request with its response, its worker and what happens to it")
    func exchanges() throws {
        let documented = try ContractTable("events", "Exchanges").rows.map { row in
            let names = ContractTable.words(in: row[0]) + ContractTable.words(in: row[1])
            return (names + row[2...]).joined(separator: " | ")
        }
        let known = BusModule.allCases.flatMap { module in
            ExchangeRules.answered(by: module).map { rules in
                let isKept = rules.delivery == .neverLost
                return [
                    rules.request.text, rules.response.text, module == .stripe ? "Stripe worker" : "billing worker",
                    isKept ? "no" : "yes", isKept ? "yes" : "no",
                ].joined(separator: " | ")
            }
        }
        #expect(documented.sorted() == known.sorted())
    }

    @Test("the table of error codes has every code with its status and whether trying again helps")
    func errorCodes() throws {
        let rows = try ContractTable("events", "Error codes").rows
        let documented = rows.map { "\(ContractTable.words(in: $0[0])[0]) \($0[1]) \($0[2])" }
        let known = ErrorCode.allCases.map { "\($0.rawValue) \($0.httpStatus) \($0.isRetryable ? "yes" : "no")" }
        #expect(documented.sorted() == known.sorted())
    }
}
