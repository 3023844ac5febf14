import BusContract
import BusCore
import StripeCore
import TestSupport
import Testing

@testable import StripeIntegration

private let now = Timestamp(clampingSeconds: 1_785_600_005)

struct StripeVerifyRequestTests {
    @Test("a verified update is published once and described")
    func verified() async throws {
        let published = Published()
        let body = try StripeFixture.event("customer.subscription.updated")
        let response = await localRequests(published).answer(verifyRequest(body), now: now)
        #expect(response.error == nil)
        #expect(response.member("verified") == true && response.member("subscription_update_emitted") == true)
        #expect(response.member("status") == "past_due")
        #expect(try published.all.map(\.eventID) == ["evt_BusFixture000003"])
    }

    @Test("a caller's secret verifies nothing, and is reported")
    func callerSecret() async throws {
        let published = Published()
        let body = try StripeFixture.event("customer.subscription.updated")
        let more: [String: JSONValue] = ["webhook_secret": "whsec_callers_own"]
        let forged = verifyRequest(body, secret: "whsec_callers_own", more)
        let response = await localRequests(published).answer(forged, now: now)
        #expect(response.error?.code == "webhook_signature_invalid")
        #expect(response.text == #"{"verified":false,"ignored_fields":["webhook_secret"]}"#)
        let unconfigured = requests(LocalStripeGateway(settings: StripeRequestSettings(mode: .local)), .local, keys: [])
        #expect(await unconfigured.answer(forged, now: now).error?.code == "webhook_secret_unconfigured")
        let good = await localRequests(published).answer(verifyRequest(body, more), now: now)
        #expect(good.member("ignored_fields") == ["webhook_secret"])
        #expect(try published.all.count == 1)
    }

    @Test("a failed verification says why and that nothing was verified")
    func failures() async throws {
        let body = try StripeFixture.event("customer.subscription.updated")
        let unsigned = envelope(Exchange.webhookVerify.request, ["payload": "{}"])
        let old = now.advanced(bySeconds: 301)
        let cases: [(String, EventEnvelope, Timestamp)] = [
            ("invalid_request", envelope(Exchange.webhookVerify.request, ["signature": "s"]), now),
            ("webhook_signature_invalid", unsigned, now),
            ("webhook_timestamp_out_of_tolerance", verifyRequest(body), old),
            ("webhook_payload_invalid", verifyRequest(Array("{}".utf8)), now),
            ("webhook_payload_invalid", verifyRequest(body + [0x78]), now),
        ]
        for (code, request, time) in cases {
            let response = await localRequests().answer(request, now: time)
            #expect(response.error?.code == code)
            #expect(response.metadata["stripe.retryable"] == "false")
            #expect(response.text == #"{"verified":false}"#)
        }
    }

    @Test("an update that cannot be published is retryable")
    func unpublished() async throws {
        let body = try StripeFixture.event("customer.subscription.updated")
        let response = await localRequests(Published(fails: true)).answer(verifyRequest(body), now: now)
        #expect(response.error?.code == "events_unavailable")
        #expect(response.metadata["stripe.retryable"] == "true")
    }
}
