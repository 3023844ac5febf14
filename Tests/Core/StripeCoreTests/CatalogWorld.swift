import BillingCore
import BusContract
import BusCore
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

extension StripeWorld {
    /// Everything there is, as a sync reads it.
    func listed() -> StripeCatalog {
        func all(_ list: String) -> [JSONValue] { (catalog.objects[list] ?? []).reversed().map(JSONValue.object) }
        return StripeCatalog(
            products: all(StripeCatalogModel.products).compactMap { .init($0) },
            prices: all(StripeCatalogModel.prices).compactMap { .init($0) },
            meters: all(StripeCatalogModel.meters).compactMap { .init($0) })
    }

    func plan(_ wanted: Catalog, prune: Bool = false) throws -> CatalogSyncPlan {
        try CatalogSyncPlan(wanted, stripe: listed(), mode: .test, prune: prune)
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
            let call = try run.call(for: step)
            let reply = work(call.method.rawValue, call.path, call.form.encoded(), key: call.idempotencyKey)
            writes += 1
            let body = try JSONValue(parsing: Array(reply.body.utf8))
            try #require(reply.status == 200, "\(step.text): \(reply.body)")
            if step.makesObject, reply.headers["Idempotent-Replayed"] == "true" {
                try #require(try run.resume(with: plan(wanted, prune: prune), after: step))
            } else {
                run.finish(step, id: try #require(body["id"]?.text))
            }
        }
        return run.result
    }

    /// What a customer can be charged: of every active price its key, our name for it and terms, with names for ids.
    func sold() throws -> [String] {
        let stripe = listed()
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
