import BillingCore
import BusContract
import BusCore
import StripeClient
import StripeCore

/// The requests to Stripe; without a key they are answered locally (docs/contract/stripe-requests.md, "Local mode").
///
/// Everything thrown is a `StripeFault`, a `BusError` or a `CancellationError`.
protocol StripeGateway: Sendable {
    /// Makes the page where the account buys.
    func checkoutSession(_ request: CheckoutRequest, deadline: ContinuousClock.Instant) async throws -> StripeSession
    /// Makes the page where the account manages what it bought.
    func portalSession(_ request: PortalRequest, deadline: ContinuousClock.Instant) async throws -> StripeSession
    /// Hands over one quantity of usage.
    func recordMeterEvent(_ request: MeterRequest, deadline: ContinuousClock.Instant) async throws -> MeterReceipt
    /// A subscription as it stands now.
    func subscription(id: String, deadline: ContinuousClock.Instant) async throws -> ObservedSubscription
    /// The usage that a meter's error report is about.
    func meterErrors(eventID: String, deadline: ContinuousClock.Instant) async throws -> MeterErrorReport
}

/// The gateway with a key: the calls of `StripeClient` in the order a request needs them.
struct ClientStripeGateway: StripeGateway {
    let client: StripeClient
    private let lanes = Lanes<MeterLane>(
        waitersMax: Limits.meterEventsWaitingMax, whenFull: "too many meter events wait for Stripe; send fewer at once")

    /// What Stripe allows one call in flight for.
    private struct MeterLane: Hashable {
        let customerID: String
        let meter: String
    }

    /// Resolves the lookup keys, then makes the session.
    func checkoutSession(
        _ request: CheckoutRequest, deadline: ContinuousClock.Instant
    ) async throws -> StripeSession {
        let lines = try await lines(of: request, deadline: deadline)
        return try await client.createCheckoutSession(request, lines: lines, deadline: deadline)
    }

    /// Finds the customer if the request does not name it, then makes the session.
    func portalSession(
        _ request: PortalRequest, deadline: ContinuousClock.Instant
    ) async throws -> StripeSession {
        var customer = request.message.customerID
        if customer == nil {
            customer = try await client.findCustomer(accountID: request.accountID, deadline: deadline)
        }
        guard let customer else {
            throw BusError(
                .customerUnresolved,
                "no Stripe customer carries this account; finish a checkout first or send provider_customer_id"
            )
        }
        return try await client.createPortalSession(request, customerID: customer, deadline: deadline)
    }

    /// Records usage, one call at a time per customer and meter: Stripe answers 429 to more.
    func recordMeterEvent(
        _ request: MeterRequest, deadline: ContinuousClock.Instant
    ) async throws -> MeterReceipt {
        let lane = MeterLane(customerID: request.message.customerID ?? "", meter: request.message.meterEventName)
        return try await lanes.run(lane) { try await client.recordMeterEvent(request, deadline: deadline) }
    }

    func subscription(id: String, deadline: ContinuousClock.Instant) async throws -> ObservedSubscription {
        try await client.subscription(id: id, deadline: deadline)
    }

    func meterErrors(eventID: String, deadline: ContinuousClock.Instant) async throws -> MeterErrorReport {
        try await client.meterErrors(eventID: eventID, deadline: deadline)
    }

    private func lines(
        of request: CheckoutRequest, deadline: ContinuousClock.Instant
    ) async throws -> [CheckoutLine] {
        var keys: [String] = []
        for case .lookupKey(let key) in request.lines.map(\.price) where !keys.contains(key) { keys.append(key) }
        let resolved = keys.isEmpty ? [] : try await client.resolvePrices(keys, deadline: deadline)
        return try request.lines.map { item in
            switch item.price {
            case .id(let id): return CheckoutLine(item, priceID: id)
            case .lookupKey(let key):
                guard let price = resolved.first(where: { $0.lookupKey == key }) else {
                    throw BusError(
                        .priceUnresolved,
                        "no active Stripe price has the lookup key \(key); run bus operator stripe catalog sync")
                }
                return CheckoutLine(item, price: price)
            }
        }
    }
}

/// The gateway without a key.
struct LocalStripeGateway: StripeGateway {
    let settings: StripeRequestSettings

    func checkoutSession(
        _ request: CheckoutRequest, deadline: ContinuousClock.Instant
    ) async throws -> StripeSession {
        LocalStripe.checkout(request, settings: settings)
    }

    func portalSession(
        _ request: PortalRequest, deadline: ContinuousClock.Instant
    ) async throws -> StripeSession {
        LocalStripe.portal(request, settings: settings)
    }

    func recordMeterEvent(
        _ request: MeterRequest, deadline: ContinuousClock.Instant
    ) async throws -> MeterReceipt {
        LocalStripe.meterEvent(request)
    }

    func subscription(id: String, deadline: ContinuousClock.Instant) async throws -> ObservedSubscription {
        throw LocalStripeGateway.unconfigured
    }

    func meterErrors(eventID: String, deadline: ContinuousClock.Instant) async throws -> MeterErrorReport {
        throw LocalStripeGateway.unconfigured
    }

    private static let unconfigured = BusError(
        .stripeUnconfigured, "nothing can be read from Stripe without a key; set BUS_STRIPE_SECRET_KEY")
}
