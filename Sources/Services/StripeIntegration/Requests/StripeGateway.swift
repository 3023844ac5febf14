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
    let customers: AccountCustomers
    let prices: KnownPrices
    private let lanes = MeterLanes()

    init(client: StripeClient) {
        self.client = client
        customers = AccountCustomers(client)
        prices = KnownPrices(client)
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
