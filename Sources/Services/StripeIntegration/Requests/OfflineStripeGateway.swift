import BusContract
import BusCore
import Logging
import StripeClient
import StripeCore

/// The offline Stripe that `bus-local` runs beside the worker.
package struct OfflineStripe: Sendable {
    /// A test key; the offline Stripe takes any.
    let key: StripeKey
    /// Where it listens.
    let url: String
    /// Makes it sell what the catalog says; called before a checkout.
    let stock: @Sendable () async throws -> Void
    /// Lets the address of a local id lead to a session.
    let link: @Sendable (_ localID: String, _ sessionID: String) -> Void

    /// An offline Stripe at an address.
    package init(
        key: StripeKey, url: String, stock: @escaping @Sendable () async throws -> Void,
        link: @escaping @Sendable (_ localID: String, _ sessionID: String) -> Void
    ) {
        self.key = key
        self.url = url
        self.stock = stock
        self.link = link
    }
}

/// Local mode with pages: the answers are those without a key, and an offline Stripe does what they say.
///
/// A price, a customer or a meter that it does not know changes no answer, as in local mode.
struct OfflineStripeGateway: StripeGateway {
    let local: LocalStripeGateway
    let stripe: ClientStripeGateway
    let offline: OfflineStripe

    func checkoutSession(
        _ request: CheckoutRequest, deadline: ContinuousClock.Instant
    ) async throws -> StripeSession {
        let answer = try await local.checkoutSession(request, deadline: deadline)
        if request.lines.isEmpty, request.message.mode != .setup { return answer }
        try await offline.stock()
        do {
            let session = try await stripe.checkoutSession(request, deadline: deadline)
            offline.link(answer.id, session.id)
        } catch let error as BusError where error.code == .priceUnresolved {
            stripe.client.logger.notice("the page of this checkout is empty, because its price is not in the catalog")
        }
        return answer
    }

    func portalSession(
        _ request: PortalRequest, deadline: ContinuousClock.Instant
    ) async throws -> StripeSession {
        let answer = try await local.portalSession(request, deadline: deadline)
        do {
            let session = try await stripe.portalSession(request, deadline: deadline)
            offline.link(answer.id, session.id)
        } catch let error as BusError where error.code == .customerUnresolved {
            stripe.client.logger.notice("the portal page is empty, because the account has not bought anything here")
        }
        return answer
    }

    func recordMeterEvent(
        _ request: MeterRequest, deadline: ContinuousClock.Instant
    ) async throws -> MeterReceipt {
        if request.message.customerID != nil {
            do {
                _ = try await stripe.recordMeterEvent(request, deadline: deadline)
            } catch let fault as StripeFault where fault.status == 400 || fault.status == 404 {
                stripe.client.logger.notice(
                    "the offline Stripe does not count this usage", metadata: ["cause": "\(fault.message)"])
            }
        }
        return try await local.recordMeterEvent(request, deadline: deadline)
    }

    func subscription(id: String, deadline: ContinuousClock.Instant) async throws -> ObservedSubscription {
        try await stripe.subscription(id: id, deadline: deadline)
    }

    func meterErrors(eventID: String, deadline: ContinuousClock.Instant) async throws -> MeterErrorReport {
        try await stripe.meterErrors(eventID: eventID, deadline: deadline)
    }
}
