import BusContract
import BusCore
import StripeCore
import TestSupport
import Testing

private let account: String = StripeFixture.accountID
private let ours = #""bus_account_id":"\#(account)","bus_feature":"llm:proxy""#

/// A subscription with Bus metadata and whatever else a test is about.
private func subscription(_ members: String, metadata: String = ours) -> String {
    #"{"id":"sub_1","object":"subscription","customer":"cus_1","metadata":{\#(metadata)},\#(members)}"#
}

@Suite("Events without an account, of strangers, and of the other mode")
struct WebhookOwnershipTests {
    @Test(
        "what names no account or no feature is told as far as it goes when its subscription is known",
        arguments: [
            ("", nil, [], []), (#""bus_account_id":"\#(account)""#, account, [], []),
            (#""bus_feature":"a""#, nil, ["a"], []),
            (#""bus_feature":"a","bus_account_id":"me""#, nil, ["a"], ["bus_account_id"]),
            (
                #""bus_account_id":"\#(account)","bus_features":"LLM:Proxy,A B","bus_feature":"É""#, account, [],
                ["bus_features", "bus_feature"]
            ),
        ] as [(String, String?, [String], [String])])
    func unlinked(metadata: String, accountID: String?, features: [String], ignored: [String]) throws {
        for (type, status) in [
            ("customer.subscription.updated", SubscriptionStatus.pastDue), ("customer.subscription.deleted", .canceled),
        ] {
            let decision = try decide(event(type, subscription(#""status":"past_due""#, metadata: metadata)))
            let facts = try #require(decision.outcome.unlinked)
            #expect(facts.accountID == accountID && facts.features == features && facts.status == status)
            #expect(facts.providerSubscriptionID == "sub_1" && facts.providerCustomerID == "cus_1")
            #expect(decision.outcome.ignoredReason == .missingBusMetadata && decision.isSupported)
            #expect(decision.ignoredFields == ignored)
        }
    }

    @Test("without a subscription there is nothing to link")
    func nothingToLink() throws {
        let session = #"{"id":"cs_1","mode":"payment","payment_status":"paid","metadata":{"bus_feature":"a"}}"#
        #expect(
            try decide(event("checkout.session.completed", session)).outcome == .ignored(.missingBusMetadata))
    }

    @Test("blanks and line ends around ids and labels are dropped")
    func trimmed() throws {
        let metadata =
            #""bus_account_id":" \#(account.uppercased())\n","bus_features":"a ,\tb\r\n","bus_feature":" c","#
            + #""bus_plan_id":"llm-pro\n""#
        let decision = try decide(event("customer.subscription.updated", subscription("\"x\":1", metadata: metadata)))
        let update = try #require(decision.outcome.update)
        #expect(update.accountID == account && update.features == ["a", "b", "c"] && update.planID == "llm-pro")
        #expect(decision.ignoredFields == [])
        let session = #"{"id":"cs_1","client_reference_id":"\#(account)\n","metadata":{"bus_feature":"a"}}"#
        #expect(try decide(event("checkout.session.completed", session)).outcome.update?.accountID == account)
    }

    @Test(
        "a plan or feature that breaks its form is left out and named, and the rest counts",
        arguments: [
            (#""bus_plan_id":"LLM Pro""#, nil, ["llm:proxy"], ["bus_plan_id"]),
            (#""bus_plan_id":"pro 🚀""#, nil, ["llm:proxy"], ["bus_plan_id"]),
            (#""bus_plan_id":"""#, nil, ["llm:proxy"], []),
            (#""bus_plan_id":" ""#, nil, ["llm:proxy"], []),
            (#""bus_features":"LLM:Proxy,b,-,c d""#, nil, ["b", "llm:proxy"], ["bus_features"]),
        ] as [(String, String?, [String], [String])])
    func leftOut(metadata: String, plan: String?, features: [String], ignored: [String]) throws {
        let object = subscription(#""status":"active""#, metadata: "\(ours),\(metadata)")
        let decision = try decide(event("customer.subscription.created", object))
        let update = try #require(decision.outcome.update)
        #expect(update.planID == plan && update.features == features)
        #expect(decision.ignoredFields == ignored)
        #expect(decision.verdict(ignoredFields: ["api_key"]).ignoredFields == ["api_key"] + ignored)
    }

    @Test(
        "an event of a connected account counts only when the operator lists that account",
        arguments: [
            (#","account":"acct_1SomebodyElse""#, false), (#","context":"acct_1SomebodyElse""#, false),
            (#","account":"acct_ours""#, true), (#","context":"acct_ours""#, true),
            (#","context":"acct_platform/acct_ours""#, true), (#","context":"acct_ours/acct_1SomebodyElse""#, false),
            (#","account":"acct_ours","context":"acct_1SomebodyElse""#, false), (#","context":"/""#, false),
            (#","account":null,"context":null"#, true), (#","account":"","context":"""#, true), ("", true),
        ])
    func foreign(more: String, isOurs: Bool) throws {
        for type in ["customer.subscription.updated", "customer.subscription.deleted", "customer.deleted"] {
            let text = event(type, subscription(#""status":"active""#), more: more)
            let decision = try decide(text, accounts: ["acct_ours"])
            #expect((decision.outcome.ignoredReason == .foreignAccount) == !isOurs, "\(type) \(more)")
        }
        let unlisted = try decide(event("customer.subscription.updated", subscription("\"x\":1"), more: more))
        #expect((unlisted.outcome.update == nil) == more.contains("acct_") || more.contains("/"))
    }

    @Test("a deleted customer is told by its id, whatever its metadata says")
    func deletedCustomer() throws {
        for object in [
            #"{"id":"cus_9","object":"customer","metadata":{}}"#, #"{"id":"cus_9","object":"customer","deleted":true}"#,
        ] {
            let decision = try decide(event("customer.deleted", object, livemode: true), mode: .live)
            #expect(
                decision.outcome
                    == .customerDeleted(
                        CustomerDeletion(provider: "stripe", providerCustomerID: "cus_9", livemode: true)))
            #expect(!decision.isSupported && decision.outcome.ignoredReason == .customerDeleted)
        }
        #expect(try decide(event("customer.deleted", "null")).outcome == .ignored(.customerDeleted))
        let other = try decide(event("customer.deleted", #"{"id":"cus_9"}"#, livemode: true))
        #expect(other.outcome == .ignored(.livemodeMismatch))
    }
}
