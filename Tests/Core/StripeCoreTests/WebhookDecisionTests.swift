import BillingCore
import BusContract
import BusCore
import StripeCore
import TestSupport
import Testing

/// Signs and decides one body.
func decide(
    _ body: [UInt8], mode: StripeMode = .test, accounts: Set<String> = []
) throws(WebhookFault) -> WebhookDecision {
    let header = StripeSigner.header(body, at: signedAt, secret: secretOne)
    let rules = WebhookRules(
        keys: WebhookKey.keys(in: Secret(secretOne)), toleranceSeconds: 300, mode: mode, accounts: accounts)
    let result: Result<WebhookDecision, WebhookFault> = body.withUnsafeBytes { bytes in
        do throws(WebhookFault) {
            return .success(
                try WebhookDecision.decide(
                    body: bytes, signatureHeader: header, at: Timestamp(clampingSeconds: signedAt), rules: rules))
        } catch {
            return .failure(error)
        }
    }
    return try result.get()
}

func decide(
    _ text: String, mode: StripeMode = .test, accounts: Set<String> = []
) throws(WebhookFault) -> WebhookDecision {
    try decide(Array(text.utf8), mode: mode, accounts: accounts)
}

/// An event around one resource, as small as an event can be.
func event(
    _ type: String, _ object: String, livemode: Bool = false, previous: String = "{}", more: String = ""
) -> String {
    """
    {"data":{"previous_attributes":\(previous),"object":\(object)},"id":"evt_1","object":"event","created":1785600300,
    "livemode":\(livemode),"type":"\(type)"\(more)}
    """
}

extension WebhookOutcome {
    /// The update, or nil when the event was ignored.
    var update: SubscriptionUpdate? {
        if case .update(let update) = self { return update }
        return nil
    }

    /// The facts of an event that names no account or no feature.
    var unlinked: SubscriptionUpdate? {
        if case .unlinked(let facts) = self { return facts.update }
        return nil
    }
}

private let account: String = StripeFixture.accountID

struct WebhookDecisionTests {
    @Test("both API shapes of every supported type give the whole update", arguments: StripeFixture.versions)
    func fixtures(version: String) throws {
        for topic in StripeEvent.Topic.allCases where topic.kind != nil {
            let decision = try decide(try StripeFixture.event(topic.rawValue, version: version))
            let update = try #require(decision.outcome.update)
            #expect(decision.ignoredFields == [])
            #expect(decision.isSupported)
            #expect(decision.event.apiVersion == version)
            #expect(update.eventID.hasPrefix("evt_BusFixture"))
            #expect(update.accountID == account)
            #expect(update.provider == "stripe")
            #expect(update.providerCustomerID == "cus_BusFixture00001")
            #expect(update.providerSubscriptionID == "sub_BusFixture0000001")
            #expect(update.features == ["llm:proxy", "container:run"])
            #expect(update.planID == "llm-pro")
            #expect(update.livemode == false)
            if update.kind == .checkout {
                #expect(update.mode == .subscription && update.sessionID?.hasPrefix("cs_") == true)
                #expect(update.prices == [])
            } else {
                #expect(update.prices.map(\.id) == ["price_BusBaseMonthly"])
                #expect(update.prices.map(\.lookupKey) == ["bus_llm_base_eur_month"])
                #expect(update.prices.map(\.productID) == ["prod_BusLLMPro"])
                #expect(update.prices.map(\.quantity) == [1])
                #expect(update.currentPeriodStart == Timestamp(clampingSeconds: 1_785_600_299))
                #expect(update.currentPeriodEnd == Timestamp(clampingSeconds: 1_788_278_699))
            }
        }
    }

    @Test("kind, status and previous status follow the event")
    func kinds() throws {
        let expected: [(StripeEvent.Topic, SubscriptionStatus, SubscriptionUpdate.Kind, String, String?)] = [
            (.checkoutCompleted, .active, .checkout, "paid", nil),
            (.subscriptionCreated, .active, .created, "active", nil),
            (.subscriptionUpdated, .pastDue, .updated, "past_due", "active"),
            (.subscriptionPaused, .pastDue, .updated, "past_due", "active"),
            (.subscriptionResumed, .pastDue, .updated, "past_due", "active"),
            (.checkoutPaid, .active, .checkout, "paid", nil),
            (.subscriptionDeleted, .canceled, .deleted, "canceled", nil),
        ]
        for (topic, status, kind, word, previous) in expected {
            let update = try #require(try decide(try StripeFixture.event(topic.rawValue)).outcome.update)
            #expect(update.status == status)
            #expect(update.kind == kind)
            #expect(update.providerStatus == word)
            #expect(update.previousProviderStatus == previous)
        }
    }

    @Test(
        "a subscription's status maps to a Bus status",
        arguments: [
            ("active", SubscriptionStatus.active), ("trialing", .active), ("past_due", .pastDue),
            ("unpaid", .pastDue), ("paused", .pastDue), ("incomplete", .incomplete), ("canceled", .canceled),
            ("incomplete_expired", .canceled), ("invented_tomorrow", .incomplete), ("", .incomplete),
        ])
    func statuses(word: String, status: SubscriptionStatus) throws {
        let object = """
            {"id":"sub_1","status":"\(word)","metadata":{"bus_account_id":"\(account)","bus_feature":"llm:proxy"}}
            """
        #expect(try decide(event("customer.subscription.updated", object)).outcome.update?.status == status)
        #expect(try decide(event("customer.subscription.deleted", object)).outcome.update?.status == .canceled)
    }

    @Test(
        "a session's payment decides, in any mode that buys something",
        arguments: [
            ("subscription", "paid", SubscriptionStatus.active), ("subscription", "no_payment_required", .active),
            ("subscription", "unpaid", .incomplete), ("payment", "paid", .active), ("payment", "unpaid", .incomplete),
            ("payment", "invented_tomorrow", .incomplete),
        ])
    func payments(mode: String, payment: String, status: SubscriptionStatus) throws {
        let object = """
            {"id":"cs_1","object":"checkout.session","mode":"\(mode)","payment_status":"\(payment)","status":"complete",
            "subscription":{"id":"sub_9","customer":"cus_other"},"customer":{"id":"cus_9","object":"customer"},
            "client_reference_id":"\(account)","metadata":{"bus_features":" llm:proxy, ,llm:proxy,a "}}
            """
        let update = try #require(try decide(event("checkout.session.completed", object)).outcome.update)
        #expect(update.status == status)
        #expect(update.accountID == account)
        #expect(update.providerCustomerID == "cus_9")
        #expect(update.providerSubscriptionID == "sub_9")
        #expect(update.features == ["llm:proxy", "a"])
        #expect(update.planID == nil)
    }

    @Test(
        "events that are not ours are ignored with their reason",
        arguments: [
            ("invoice.paid", #"{"id":"in_1","customer":7}"#, IgnoredReason.unsupportedType),
            (
                "subscription_schedule.canceled",
                #"{"object":"subscription_schedule","status":"canceled","subscription":"sub_1","#
                    + #""metadata":{"bus_account_id":"\#(account)","bus_feature":"a"}}"#, .unsupportedType
            ),
            ("customer.subscription.updated", #"{"status":"active"}"#, .missingBusMetadata),
            ("customer.subscription.updated", #"{"metadata":{"bus_account_id":"\#(account)"}}"#, .missingBusMetadata),
            (
                "customer.subscription.updated",
                #"{"client_reference_id":"\#(account)","metadata":{"bus_feature":"a"}}"#, .missingBusMetadata
            ),
            (
                "customer.subscription.updated", #"{"metadata":{"bus_account_id":"me","bus_feature":"a"}}"#,
                .missingBusMetadata
            ),
            (
                "checkout.session.completed",
                #"{"client_reference_id":"\#(account)","metadata":{"bus_account_id":"me","bus_feature":"a"}}"#,
                .missingBusMetadata
            ),
            (
                "checkout.session.completed",
                #"{"mode":"setup","payment_status":"no_payment_required","client_reference_id":"\#(account)","#
                    + #""metadata":{"bus_feature":"a"}}"#, .noSubscription
            ),
            ("customer.subscription.updated", "null", .missingBusMetadata),
        ])
    func ignored(type: String, object: String, reason: IgnoredReason) throws {
        let decision = try decide(event(type, object))
        #expect(decision.outcome == .ignored(reason))
        #expect(decision.isSupported == (reason != .unsupportedType))
    }

    @Test("an event of the other mode is not emitted; without a key nothing is known about modes")
    func livemode() throws {
        let object = #"{"id":"sub_1","metadata":{"bus_account_id":"\#(account)","bus_feature":"a"}}"#
        for (mode, livemode, isEmitted) in [
            (StripeMode.test, false, true), (.test, true, false), (.live, true, true), (.live, false, false),
            (.local, true, true), (.local, false, true),
        ] {
            let decision = try decide(
                event("customer.subscription.updated", object, livemode: livemode), mode: mode)
            #expect((decision.outcome.update != nil) == isEmitted, "\(mode) \(livemode)")
            if !isEmitted { #expect(decision.outcome == .ignored(.livemodeMismatch)) }
        }
    }

    @Test("an account is lower-cased; metadata wins over the buyer's reference")
    func accountChoice() throws {
        let upper = "ABCDEFAB-0000-4000-8000-00000000000F"
        let object = """
            {"client_reference_id":"\(StripeFixture.accountID)",
            "metadata":{"bus_account_id":"\(upper)","bus_feature":"a"}}
            """
        let update = try decide(event("checkout.session.completed", object)).outcome.update
        #expect(update?.accountID == upper.lowercased())
    }

    @Test("thin events are taken as unsupported")
    func thin() throws {
        let decision = try decide(
            """
            {"id":"evt_test_1","object":"v2.core.event","type":"customer.subscription.updated","livemode":false,
            "created":"2026-08-01T16:00:05.000Z","related_object":{"id":"x","type":"y","url":"/v2/z"}}
            """)
        #expect(!decision.isSupported)
        #expect(decision.outcome == .ignored(.unsupportedType))
        #expect(decision.event.created == Timestamp(clampingSeconds: 1_785_600_005))
    }

    @Test(
        "signed bytes that are no event are refused",
        arguments: [
            "", "{", "[]", "null", "{}", #"{"id":"evt_1","object":"event","type":"x","created":1}x"#,
            #"{"object":"event","type":"x","created":1}"#, #"{"id":"evt_1","object":"event","created":1}"#,
            #"{"id":"evt_1","object":"event","type":"x"}"#, #"{"id":"evt_1","type":"x","created":1}"#,
            #"{"id":"cus_1","object":"customer","type":"x","created":1}"#,
            #"{"id":7,"object":"event","type":"x","created":1}"#,
            #"{"id":"evt_1","object":"event","type":"x","created":-9223372037}"#,
            #"{"id":"evt_1","object":"event","type":"x","created":9223372036}"#,
            #"{"id":"evt_1","object":"event","type":"x","created":"2261-12-31T23:59:59-01:00"}"#,
        ])
    func notEvents(text: String) {
        #expect {
            try decide(text)
        } throws: { fault in
            if case .some(.event) = fault as? WebhookFault { return true }
            return false
        }
    }

    @Test("bytes that are not UTF-8 are refused even where nobody reads them")
    func invalidUTF8() {
        let body = Array(#"{"id":"evt_1","object":"event","type":"x","created":1,"extra":""#.utf8) + [0xFF, 0x22, 0x7D]
        #expect(throws: WebhookFault.event(.json(.invalidUTF8))) { try decide(body) }
    }

    @Test("an unsigned body is refused before it is read")
    func signatureFirst() {
        let keys = WebhookKey.keys(in: Secret(secretOne))
        for header in [nil, "t=\(signedAt),v1=00"] {
            [UInt8]("{".utf8).withUnsafeBytes { body in
                _ = #expect(throws: WebhookFault.signature(header == nil ? .missing : .noMatch)) {
                    try WebhookDecision.decide(
                        body: body, signatureHeader: header, at: Timestamp(clampingSeconds: signedAt),
                        rules: WebhookRules(keys: keys, toleranceSeconds: 300, mode: .test))
                }
            }
        }
    }
}

struct StripeKeyTests {
    @Test(
        "the prefix tells the mode",
        arguments: [
            ("sk_test_x", StripeMode.test), ("sk_live_x", .live), ("rk_test_x", .test), ("rk_live_x", .live),
            ("rkcs_test_x", .test), (" sk_test_x\n", .test),
        ])
    func modes(text: String, mode: StripeMode) throws {
        let key = try StripeKey(Secret(text))
        #expect(key.mode == mode)
        #expect(key.secret.reveal() == String(text.trimmingASCIIWhitespace()))
    }

    @Test(
        "other keys are refused with the remedy, never shown",
        arguments: [
            ("pk_test_abc", StripeKeyFault.publishable), ("pk_live_abc", .publishable), ("whsec_abc", .signingSecret),
            ("sk_org_abc", .organization), ("abc", .unknownPrefix), ("", .unknownPrefix),
            ("sk_test_abc\r\nX: y", .unprintable),
        ])
    func refused(text: String, fault: StripeKeyFault) {
        #expect(throws: fault) { try StripeKey(Secret(text)) }
        #expect(!fault.message.contains("abc"))
    }
}
