import BusContract
import BusCore
import StripeClient
import StripeCore
import Synchronization

/// Turns the prices of a checkout into lines; a price's kind never changes, so it is read once.
final class KnownPrices: Sendable {
    private let client: StripeClient
    private let isMetered = Mutex(Remembered<Bool>())

    init(_ client: StripeClient) {
        self.client = client
    }

    /// The lines in the request's order.
    func lines(of request: CheckoutRequest, deadline: ContinuousClock.Instant) async throws -> [CheckoutLine] {
        var keys: [String] = []
        for case .lookupKey(let key) in request.lines.map(\.price) where !keys.contains(key) { keys.append(key) }
        let resolved = keys.isEmpty ? [] : try await client.resolvePrices(keys, deadline: deadline)
        for price in resolved { remember(price) }
        var lines: [CheckoutLine] = []
        for item in request.lines {
            switch item.price {
            case .id(let id): lines.append(CheckoutLine(item, price: try await price(id, deadline: deadline)))
            case .lookupKey(let key):
                guard let price = resolved.first(where: { $0.lookupKey == key }) else {
                    throw BusError(
                        .priceUnresolved,
                        "no active Stripe price has the lookup key \(key); run bus operator stripe catalog sync")
                }
                lines.append(CheckoutLine(item, price: price))
            }
        }
        return lines
    }

    /// What a request is told about a price that Stripe does not know.
    static func unresolved(_ price: String, _ fault: StripeFault) -> BusError {
        BusError(
            .priceUnresolved,
            "Stripe does not know the price \(price); check its id, and that it is of the key's account and mode",
            cause: fault)
    }

    private func price(_ id: String, deadline: ContinuousClock.Instant) async throws -> ResolvedPrice {
        if let isMetered = isMetered.withLock({ $0[id] }) { return ResolvedPrice(id: id, isMetered: isMetered) }
        do {
            let price = try await client.price(id: id, deadline: deadline)
            remember(price)
            return price
        } catch let fault as StripeFault where fault.status == 404 {
            throw KnownPrices.unresolved(id, fault)
        } catch let fault as StripeFault where fault.status == 403 {
            // A restricted key may make sessions and read no prices; most prices are licensed.
            return ResolvedPrice(id: id, isMetered: false)
        }
    }

    private func remember(_ price: ResolvedPrice) {
        isMetered.withLock { $0[price.id] = price.isMetered }
    }
}
