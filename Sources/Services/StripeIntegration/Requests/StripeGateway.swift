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
    /// A subscription as it stands now; nil when it cannot be read.
    func subscription(id: String, deadline: ContinuousClock.Instant) async throws -> ObservedSubscription?
}

extension StripeGateway {
    /// The update with the subscription's standing re-read from Stripe (`BUS_STRIPE_WEBHOOK_REFETCH`).
    ///
    /// A deletion is final and keeps its kind; what Stripe does not know or show stays as the event told it.
    func refetched(
        _ update: SubscriptionUpdate, deadline: ContinuousClock.Instant
    ) async throws -> SubscriptionUpdate {
        guard update.kind != .deleted, let id = update.providerSubscriptionID else { return update }
        return try await subscription(id: id, deadline: deadline)?.replacing(update) ?? update
    }
}

/// The gateway with a key: the calls of `StripeClient` in the order a request needs them.
struct ClientStripeGateway: StripeGateway {
    let client: StripeClient
    private let lanes = MeterLanes()

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
        let lane = MeterLanes.Lane(customerID: request.message.customerID ?? "", meter: request.message.meterEventName)
        return try await lanes.run(lane) { try await client.recordMeterEvent(request, deadline: deadline) }
    }

    /// Reads a subscription; one that Stripe refuses to show is nil, one that could not be asked for is an error.
    func subscription(
        id: String, deadline: ContinuousClock.Instant
    ) async throws -> ObservedSubscription? {
        do {
            return try await client.subscription(id: id, deadline: deadline)
        } catch let fault as StripeFault where fault.code == .stripeError {
            return nil
        }
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

    /// Nothing to read without a key.
    func subscription(id: String, deadline: ContinuousClock.Instant) async throws -> ObservedSubscription? {
        nil
    }
}
