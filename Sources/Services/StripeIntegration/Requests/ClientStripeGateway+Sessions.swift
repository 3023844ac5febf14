import BusContract
import BusCore
import StripeClient
import StripeCore

extension ClientStripeGateway {
    /// Resolves the prices, finds or makes the account's customer, then makes the session.
    func checkoutSession(
        _ request: CheckoutRequest, deadline: ContinuousClock.Instant
    ) async throws -> StripeSession {
        let lines = try await prices.lines(of: request, deadline: deadline)
        let search = CustomerSearch(
            accountID: request.accountID, named: request.message.customerID,
            creation: .init(email: request.message.customerEmail), deadline: deadline)
        do {
            return try await customers.serving(search) { customerID in
                try await openSession(request, lines: lines, customerID: customerID, deadline: deadline)
            }
        } catch let fault as StripeFault {
            guard let line = fault.missingLine, lines.indices.contains(line) else { throw fault }
            throw KnownPrices.unresolved(lines[line].priceID, fault)
        }
    }

    /// Finds the customer if the request does not name it, then makes the session; nobody becomes a customer by it.
    func portalSession(
        _ request: PortalRequest, deadline: ContinuousClock.Instant
    ) async throws -> StripeSession {
        let search = CustomerSearch(
            accountID: request.accountID, named: request.message.customerID, creation: nil, deadline: deadline)
        return try await customers.serving(search) { customerID in
            guard let customerID else {
                throw BusError(
                    .customerUnresolved,
                    "no Stripe customer carries this account; finish a checkout first or send provider_customer_id "
                        + "(customers of Accounts v2 are not supported)")
            }
            return try await client.createPortalSession(request, customerID: customerID, deadline: deadline)
        }
    }

    /// A page that is open: one that has ended under the request's key is followed by another one.
    private func openSession(
        _ request: CheckoutRequest, lines: [CheckoutLine], customerID: String?, deadline: ContinuousClock.Instant
    ) async throws -> StripeSession {
        var ended: String?
        for _ in 0..<Limits.stripeKeysPerRequestMax {
            let creation = try await client.createCheckoutSession(
                request, lines: lines, customerID: customerID, after: ended, deadline: deadline)
            switch creation {
            case .open(let session): return session
            case .ended(let id): ended = id
            }
        }
        throw BusError(.invalidRequest, "the pages made under this idempotency_key have all ended; use another key")
    }
}
