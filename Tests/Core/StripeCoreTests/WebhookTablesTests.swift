import BusContract
import BusCore
import StripeCore
import TestSupport
import Testing

@Suite("The webhook page of the contract")
struct WebhookTablesTests {
    @Test(
        "lists every type that becomes an update with its kind, every reason to ignore one, and every cause of a refusal"
    )
    func tables() throws {
        let types = try ContractTable("webhooks", "Supported types").rows.flatMap { row in
            ContractTable.words(in: row[0]).map { "\($0) \(ContractTable.words(in: row[1])[0])" }
        }
        let topics = StripeEvent.Topic.allCases.compactMap { topic in
            topic.kind.map { "\(topic.rawValue) \($0.rawValue)" }
        }
        #expect(types.sorted() == topics.sorted())
        let reasons = try ContractTable("webhooks", "Ignored webhooks").names
        #expect(reasons.sorted() == IgnoredReason.allCases.map(\.rawValue).sorted())
        let causes = try ContractTable("webhooks", "Refusal causes").rows.flatMap { ContractTable.words(in: $0[0]) }
        #expect(causes == SignatureCause.allCases.map(\.rawValue))
        let changes = try ContractTable("webhooks", "Body changes").rows.flatMap { ContractTable.words(in: $0[0]) }
        #expect(changes.sorted() == BodyChange.allCases.map(\.rawValue).sorted())
    }
}
