import BusContract
import BusCore
import StripeCore

extension StripeClient {
    /// Whether the key works, and its mode (docs/contract/stripe-facts.md, "Credential probe").
    ///
    /// - Throws: `StripeFault`. Its status is 403 for a restricted key that works but may not read the balance.
    package func readLivemode() async throws -> Bool {
        try await send(CatalogForms.balance, deadline: catalogDeadline) { $0.body["livemode"]?.flag }
    }

    /// The account's id; nil when a restricted key may not read it.
    package func readAccount() async throws -> String? {
        do {
            return try await send(CatalogForms.account, deadline: catalogDeadline) { $0.body["id"]?.text }
        } catch let fault as StripeFault where fault.status == 403 {
            return nil
        }
    }

    /// Everything a catalog sync compares; it reads lists, because searches lag behind writes.
    package func readCatalog() async throws -> StripeCatalog {
        let active = try await readAll(.meters, status: "active") { StripeCatalog.Meter($0) }
        let inactive = try await readAll(.meters, status: "inactive") { StripeCatalog.Meter($0) }
        return StripeCatalog(
            products: try await readAll(.products) { StripeCatalog.Product($0) },
            prices: try await readAll(.prices) { StripeCatalog.Price($0) }, meters: active + inactive)
    }

    /// The active configurations of the Customer Portal.
    package func readPortals() async throws -> [PortalConfiguration] {
        try await readAll(.portals) { PortalConfiguration($0) }
    }

    /// Makes one write of a sync and returns the id of the object.
    package func write(_ call: StripeCall) async throws -> (id: String, isReplay: Bool) {
        try await send(call, deadline: catalogDeadline) { answer in
            answer.body["id"]?.text.map { ($0, answer.isReplay) }
        }
    }

    private var catalogDeadline: ContinuousClock.Instant { .now + .seconds(Limits.stripeCatalogCallSeconds) }

    private struct Page<Element: Sendable>: Sendable {
        let elements: [Element]
        let lastID: String?
        let hasMore: Bool
        let isOtherMode: Bool
    }

    private func readAll<Element: Sendable>(
        _ listing: CatalogForms.Listing, status: String? = nil, _ read: @Sendable (JSONValue) -> Element?
    ) async throws -> [Element] {
        let livemode = mode == .live
        var elements: [Element] = []
        var lastID: String?
        for _ in 0..<Limits.stripeListPagesMax {
            let call = CatalogForms.page(listing, status: status, after: lastID)
            let page = try await send(call, deadline: catalogDeadline) { answer -> Page<Element>? in
                guard let data = answer.body["data"]?.elements, let hasMore = answer.body["has_more"]?.flag else {
                    return nil
                }
                let elements = data.compactMap(read)
                // An unreadable element may be the price that holds a wanted key, so planning stops.
                guard elements.count == data.count, !(hasMore && data.isEmpty) else { return nil }
                return Page(
                    elements: elements, lastID: data.last?["id"]?.text, hasMore: hasMore,
                    isOtherMode: data.contains { ($0["livemode"]?.flag ?? livemode) != livemode })
            }
            if page.isOtherMode {
                throw StripeFault(
                    noAnswer: "Stripe answered a \(mode.rawValue) key with objects of the other mode; check "
                        + "BUS_STRIPE_SECRET_KEY and BUS_STRIPE_API_URL", mayRetry: false)
            }
            elements += page.elements
            guard page.hasMore else { return elements }
            lastID = page.lastID
        }
        throw StripeFault(
            noAnswer: "\(listing.rawValue) has more than \(Limits.stripeListPagesMax) pages, which is more than is "
                + "read; use an account of its own for this catalog", mayRetry: false)
    }
}
