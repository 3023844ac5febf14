import BusCore
import StripeCore
import Testing

private let account = "6c0e7f6a-0000-4000-8000-000000000001"

private func found(_ id: String, _ created: Int64, _ more: [String: JSONValue] = [:]) throws -> FoundCustomer {
    let customer: [String: JSONValue] = ["id": .string(id), "created": .integer(created)]
    return try #require(FoundCustomer(.object(customer.merging(more) { $1 })))
}

struct CustomerChoiceTests {
    @Test("the oldest living customer of the account comes first, in whatever order a search lists them")
    func candidates() throws {
        let all = [
            try found("cus_3", 30), try found("cus_deleted", 1, ["deleted": true]), try found("cus_1", 10),
            try found("cus_foreign", 2, ["metadata": ["bus_account_id": "6c0e7f6a-0000-4000-8000-000000000002"]]),
            try found("cus_2", 10, ["metadata": ["bus_account_id": .string(account.uppercased())]]),
            try found("cus_bad", 3, ["metadata": ["bus_account_id": "me"]]),
        ]
        var choice = CustomerChoice(accountID: account)
        #expect(choice.candidates(all) == ["cus_1", "cus_2", "cus_3"])
        #expect(choice.candidates(all.reversed()) == ["cus_1", "cus_2", "cus_3"])
        choice.lose("cus_1")
        #expect(choice.hasLost && !choice.allows("cus_1"))
        #expect(choice.candidates(all) == ["cus_2", "cus_3"])
        #expect(FoundCustomer(["object": "customer"]) == nil)
    }

    @Test("the way from key to key is the same for everybody, and never comes back")
    func keys() {
        func walk(_ steps: [String?]) -> [String?] {
            var choice = CustomerChoice(accountID: account)
            var keys = [choice.predecessor]
            for step in steps {
                if let step { choice.passCreated(step) } else { choice.passFailure() }
                keys.append(choice.predecessor)
            }
            return keys
        }
        for steps in [["cus_1", "cus_2", "cus_3"], [nil, nil, nil], ["cus_1", nil, "cus_2"]] as [[String?]] {
            #expect(Set(walk(steps)).count == 4)
            #expect(walk(steps) == walk(steps))
        }
    }
}
