import BillingCore
import BusContract
import BusCore
import SandboxWorld
import StripeCore
import TestSupport
import Testing

extension Catalog {
    /// A catalog for sync from a document.
    static func forSync(_ body: JSONValue) throws -> Catalog {
        try Catalog(body, unknownMembers: .refuse, purpose: .sync)
    }
}

/// The run was killed on purpose.
struct Killed: Error {}

extension WorldHand {
    static let products = "/v1/products"
    static let prices = "/v1/prices"
    static let meters = "/v1/billing/meters"

    /// Everything in a list, newest first, page by page as a sync reads it.
    private func read(_ listing: CatalogForms.Listing, status: String? = nil) throws -> [JSONValue] {
        var hand = self  // Reading changes nothing.
        var found: [JSONValue] = []
        while true {
            let call = CatalogForms.page(listing, status: status, after: found.last?["id"]?.text)
            let page = try hand.call(.get, call.path, call.form.encoded())
            found += page["data"]?.elements ?? []
            if page["has_more"] != true { return found }
        }
    }

    /// Everything there is, as a sync reads it.
    func listed(changing change: ([JSONValue]) -> [JSONValue] = { $0 }) throws -> StripeCatalog {
        let meters = try read(.meters, status: "active") + read(.meters, status: "inactive")
        return StripeCatalog(
            products: try read(.products).compactMap { .init($0) },
            prices: change(try read(.prices)).compactMap { .init($0) }, meters: meters.compactMap { .init($0) })
    }

    /// The objects of a list, oldest first.
    func all(_ list: String) throws -> [JSONValue] {
        var hand = self
        return try hand.call(.get, list, "limit=100")["data"]?.elements?.reversed() ?? []
    }

    /// The id of one object of a list.
    func id(_ list: String, _ index: Int = 0) throws -> String {
        let objects = try all(list)
        return objects.indices.contains(index) ? objects[index]["id"]?.text ?? "" : ""
    }

    /// Does in the dashboard what a call does.
    @discardableResult
    mutating func post(_ path: String, _ form: String = "") throws -> JSONValue { try call(.post, path, form) }

    func plan(_ wanted: Catalog, prune: Bool = false) throws -> CatalogSyncPlan {
        try CatalogSyncPlan(wanted, stripe: try listed(), mode: .test, prune: prune)
    }

    /// Carries out one call of a sync; the id of its object, and whether it comes from Stripe's memory.
    mutating func carryOut(_ call: StripeCall) throws -> (id: String, isReplay: Bool) {
        let method = try #require(WorldCall.Method(rawValue: call.method.rawValue))
        let (status, body, headers) = try reply(method, call.path, call.form.encoded(), key: call.idempotencyKey)
        try #require(status == 200, "\(call.path): \(String(decoding: body.serialized(), as: UTF8.self))")
        return (try #require(body["id"]?.text), headers["Idempotent-Replayed"] == "true")
    }

    /// Plans and carries out; killed after so many committed writes, whose last answer is lost.
    @discardableResult
    mutating func sync(
        _ wanted: Catalog, prune: Bool = false, run name: String, killAfter: Int? = nil
    ) throws -> CatalogSyncResult {
        var run = CatalogSyncRun(try plan(wanted, prune: prune), run: name)
        var writes = 0
        while let step = run.step {
            if writes == killAfter { throw Killed() }
            let (id, isReplay) = try carryOut(run.call(for: step))
            writes += 1
            if step.makesObject, isReplay {
                try #require(try run.resume(with: plan(wanted, prune: prune), after: step))
            } else {
                run.finish(step, id: id)
            }
        }
        return run.result
    }

    /// What a customer can be charged: of every active price its key, our name for it and terms, with names for ids.
    func sold() throws -> [String] {
        let stripe = try listed()
        let products = Dictionary(stripe.products.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
        let meters = Dictionary(stripe.meters.map { ($0.id, $0.eventName) }, uniquingKeysWith: { first, _ in first })
        return stripe.prices.filter(\.isActive).map { price in
            let product = products[price.terms.productID ?? ""]
            let terms = price.terms
            let words: [String?] = [
                price.lookupKey, price.mark.isOurs(.test) ? price.mark.lookupKey : nil, product?.mark.lookupKey,
                product?.name, terms.currency, terms.amount?.text, terms.interval,
                terms.intervalCount.map { String($0) }, terms.usageType, terms.meterID.flatMap { meters[$0] },
                product?.defaultPriceID == price.id ? "default" : nil, product?.isActive == true ? "sold" : "not sold",
            ]
            return (words.map { $0 ?? "-" } + traits(price)).joined(separator: " ")
        }.sorted()
    }

    /// What a price has beside its terms; nothing when it has none of it.
    private func traits(_ price: StripeCatalog.Price) -> [String] {
        let traits = price.traits
        let options = traits.currencyOptions.sorted { $0.key < $1.key }.map { "\($0)=\($1.amount.text)" }
        let metadata = traits.metadata.sorted { $0.key < $1.key }.map { "\($0):\($1)" }
        return [traits.taxBehavior, traits.nickname].compactMap { $0 } + options + metadata
    }
}
