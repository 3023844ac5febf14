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
    let customers: AccountCustomers
    let prices: KnownPrices
    private let lanes = Lanes<MeterLane>(
        waitersMax: Limits.meterEventsWaitingMax, whenFull: "too many meter events wait for Stripe; send fewer at once")

    /// What Stripe allows one call in flight for.
    private struct MeterLane: Hashable {
        let customerID: String
        let meter: String
    }

    init(client: StripeClient) {
        self.client = client
        customers = AccountCustomers(client)
        prices = KnownPrices(client)
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
