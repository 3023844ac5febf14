import BusClient
import BusContract
import BusCore
import Logging
import StripeCore
import Synchronization
import TestSupport
import Testing

@testable import StripeIntegration

/// Whoever says until when a meter event may be carried out keeps the usage: failures are answers.
struct MeterExpiryTests {
    private static let now = Timestamp(clampingSeconds: 1_785_600_005)

    private func answer(
        _ gateway: MeterGateway, expiresIn seconds: Int64?, isFirst: Bool = true
    ) async throws -> EventEnvelope {
        let outlet = Published().outlet
        let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let requests = StripeRequests(
            gateway: gateway, settings: StripeRequestSettings(mode: .test, defaultPriceID: nil),
            keys: .fixed(WebhookRules(keys: [], toleranceSeconds: 300, mode: .test)),
            actions: WebhookActions(
                gateway: gateway, outlet: outlet,
                observer: SubscriptionObserver(gateway: gateway, outlet: outlet, mode: .test), refetches: false,
                logger: silent),
            callers: CallerPolicy(ownSubject: nil, trustedSubjects: []), budget: .seconds(60), logger: silent)
        var payload: [String: JSONValue] = [
            "account_id": .string(StripeFixture.accountID), "customer_id": "cus_1", "meter": "m", "quantity": 5,
            "idempotency_key": "k",
        ]
        payload["expires_at"] = seconds.map { .string(Self.now.advanced(bySeconds: $0).rfc3339) }
        let event = EventEnvelope(
            name: Exchange.stripeMeterEvent.request, correlationID: "c", payload: JSONText(.object(payload)))
        return try #require(await requests.handlers.respond(to: event, isFirst: isFirst, at: Self.now)).response
    }

    @Test("a request that comes after its time, or again, is not carried out", arguments: [true, false])
    func notCarriedOut(isFirst: Bool) async throws {
        let gateway = MeterGateway(nil)
        let response = try await answer(gateway, expiresIn: isFirst ? 0 : 60, isFirst: isFirst)
        #expect(response.error == nil)
        let payload = try MeterEventAnswer(response.payload)
        #expect(!payload.isAccepted && payload.isCertain == isFirst)
        #expect(payload.reason == (isFirst ? "request_expired" : "request_repeated"))
        #expect(gateway.calls == 0)
        #expect(try await MeterEventAnswer(answer(gateway, expiresIn: 1).payload).isAccepted)
    }

    @Test(
        "a failure is an answer with its code, neither tried again nor parked; only a refused key is certain",
        arguments: [
            (StripeFault(status: 503, shouldRetry: nil, body: nil), "stripe_unavailable", false),
            (StripeFault(status: 401, shouldRetry: nil, body: nil), "stripe_auth_failed", true),
            (StripeFault(status: 400, shouldRetry: nil, body: nil), "stripe_error", false),
        ])
    func failure(_ fault: StripeFault, _ code: String, _ isCertain: Bool) async throws {
        let response = try await answer(MeterGateway(fault), expiresIn: 60)
        #expect(response.error == nil)
        let payload = try MeterEventAnswer(response.payload)
        #expect(!payload.isAccepted && payload.reason == code && payload.isCertain == isCertain)
        #expect(try await answer(MeterGateway(fault), expiresIn: nil).error?.code == code)
    }

    @Test("Stripe is not called past the request's time")
    func deadline() async throws {
        let gateway = MeterGateway(nil)
        _ = try await answer(gateway, expiresIn: 10)
        #expect(gateway.timeLeft <= .seconds(10))
        _ = try await answer(gateway, expiresIn: 600)
        #expect(gateway.timeLeft > .seconds(50) && gateway.timeLeft <= .seconds(60))
    }
}

/// Takes usage, or fails as told.
private final class MeterGateway: StripeGateway {
    private let fault: StripeFault?
    private let seen = Mutex<(calls: Int, timeLeft: Duration)>((0, .zero))

    init(_ fault: StripeFault?) {
        self.fault = fault
    }

    var calls: Int { seen.withLock { $0.calls } }
    var timeLeft: Duration { seen.withLock { $0.timeLeft } }

    func recordMeterEvent(
        _ request: MeterRequest, deadline: ContinuousClock.Instant
    ) async throws -> MeterReceipt {
        seen.withLock { $0 = ($0.calls + 1, ContinuousClock.now.duration(to: deadline)) }
        if let fault { throw fault }
        return MeterReceipt(isDuplicate: false, providerEventID: request.identifier)
    }

    func checkoutSession(
        _ request: CheckoutRequest, deadline: ContinuousClock.Instant
    ) async throws -> StripeSession { throw CancellationError() }

    func portalSession(
        _ request: PortalRequest, deadline: ContinuousClock.Instant
    ) async throws -> StripeSession { throw CancellationError() }

    func subscription(id: String, deadline: ContinuousClock.Instant) async throws -> ObservedSubscription {
        throw CancellationError()
    }

    func meterErrors(eventID: String, deadline: ContinuousClock.Instant) async throws -> MeterErrorReport {
        throw CancellationError()
    }
}
