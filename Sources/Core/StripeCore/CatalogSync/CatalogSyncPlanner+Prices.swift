import BillingCore
import BusCore

/// Plans the prices. Stripe never changes a price's terms, so a price that differs is replaced.
///
/// A price belongs to the entry of the file whose lookup key it holds, else to the entry in our mark on it. The mark
/// finds a replaced price whose key has already moved, when the run stopped in between.
extension CatalogSyncPlanner {
    mutating func planPrices() {
        let wanted = Set(catalog.prices.map(\.lookupKey))
        var groups: [String: [StripeCatalog.Price]] = [:]
        var rest: [StripeCatalog.Price] = []
        for price in stripe.prices {
            if let key = price.lookupKey, wanted.contains(key) {
                groups[key, default: []].append(price)
            } else if price.mark.isOurs(mode) {
                if let key = price.mark.lookupKey, wanted.contains(key) {
                    groups[key, default: []].append(price)
                } else if price.isActive {
                    rest.append(price)
                }
            }
        }
        for price in catalog.prices { plan(price, among: groups[price.lookupKey] ?? []) }
        for price in rest {
            let object = CatalogSyncObject(.price, price.mark.lookupKey ?? price.lookupKey ?? price.id)
            if !prune {
                leftovers.append(object)
                continue
            }
            moveDefault(from: price.id, to: nil)
            add(object, id: price.id, .archived, [], CatalogSyncPlanner.archive(price))
        }
    }

    private mutating func plan(_ price: Catalog.Price, among group: [StripeCatalog.Price]) {
        let object = CatalogSyncObject(.price, price.lookupKey)
        let productID = productIDs[price.productLookupKey]
        let meterID = price.meterLookupKey.flatMap { meterIDs[$0] }
        let terms = PriceTerms(price, productID: productID, meterID: meterID)
        let mark = CatalogMark(price.lookupKey, mode: mode)
        let holder = group.first { $0.lookupKey == price.lookupKey }
        let before = holder ?? newest(group.filter { $0.terms == terms }) ?? newest(group)
        let traits = PriceTraits(price, after: before?.traits)
        // A price cannot exist before its meter, so a price of a new meter is new too.
        let isPossible = price.meterLookupKey == nil || meterID != nil
        let equal = isPossible ? group.filter { $0.terms == terms && $0.traits.changes(to: traits) != nil } : []
        let keeper = equal.max { left, right in
            (left.id == holder?.id ? 1 : 0, left.isActive ? 1 : 0, left.created, left.id)
                < (right.id == holder?.id ? 1 : 0, right.isActive ? 1 : 0, right.created, right.id)
        }
        var superseded = group.filter { $0.id != keeper?.id }
        if let holder, holder.id != keeper?.id, holder.mark != mark {
            if holder.isActive {
                // Without the mark, nothing ties it to this entry after its key has moved.
                steps.append(
                    CatalogSyncStep(
                        object: object, id: holder.id, action: .updated,
                        differences: [CatalogSyncPlanner.difference(from: holder.mark, to: mark)],
                        write: .updatePrice(id: holder.id, .init(mark: mark))))
            } else {
                superseded.removeAll { $0.id == holder.id }
            }
        }
        let reference: CatalogSyncStep.Reference
        if let keeper {
            reference = .id(keeper.id)
            keep(keeper, as: object, mark, traits, replacing: keeper.id == holder?.id ? nil : holder)
        } else {
            reference = .made(object)
            make(price, as: object, terms, traits, replacing: before)
        }
        if let before, before.id != keeper?.id { warnOfLosses(price, before, terms) }
        for old in superseded {
            let isSibling = old.terms.productID == productID
            if isSibling {
                moveDefault(from: old.id, to: (reference, keeper?.id ?? "the new \(price.lookupKey)"))
            } else if old.isActive {
                moveDefault(from: old.id, to: nil)
            }
            if old.isActive {
                steps.append(
                    CatalogSyncStep(
                        object: object, id: old.id, action: .archived, differences: [],
                        write: CatalogSyncPlanner.archive(old)))
            }
        }
    }

    private func newest(_ prices: [StripeCatalog.Price]) -> StripeCatalog.Price? {
        prices.filter(\.isActive).max { ($0.created, $0.id) < ($1.created, $1.id) }
    }

    /// Names what a price of a catalog cannot have and the price before it has.
    private mutating func warnOfLosses(
        _ price: Catalog.Price, _ before: StripeCatalog.Price, _ terms: PriceTerms
    ) {
        let isSaid = price.extras.currencyOptions != nil
        let lost = before.foreign.filter { !(isSaid && $0.hasPrefix("currency_options")) }
        if lost.isEmpty { return }
        warnings.append(
            "price \(price.lookupKey): \(lost.joined(separator: ", ")) of \(before.id) cannot be taken over; "
                + "it will cost \(terms.money)")
    }

    /// Keeps a price with the right terms, and makes it active, marked and the holder of the key.
    private mutating func keep(
        _ keeper: StripeCatalog.Price, as object: CatalogSyncObject, _ mark: CatalogMark, _ traits: PriceTraits,
        replacing holder: StripeCatalog.Price?
    ) {
        var changes = CatalogSyncStep.PriceChanges()
        changes.traits = keeper.traits.changes(to: traits) ?? PriceTraits()
        var differences: [CatalogDifference] = []
        if let holder { differences = CatalogSyncPlanner.differences(from: holder.terms, to: keeper.terms, nil) }
        differences += (holder ?? keeper).traits.differences(to: traits)
        if !keeper.isActive {
            changes.isActive = true
            differences.append(CatalogDifference(field: "active", old: "false", new: "true"))
        }
        if keeper.lookupKey != object.lookupKey {
            changes.lookupKey = object.lookupKey
            differences.append(
                CatalogDifference(field: "lookup_key", old: keeper.lookupKey, new: object.lookupKey))
        }
        if keeper.mark != mark {
            changes.mark = mark
            differences.append(CatalogSyncPlanner.difference(from: keeper.mark, to: mark))
        }
        if let kept = holder.flatMap({ traits.kept(from: $0.traits) }) { differences.append(kept) }
        guard changes != CatalogSyncStep.PriceChanges() else { return add(object, id: keeper.id, .existing, []) }
        let action: CatalogAction = holder != nil ? .replaced : keeper.isActive ? .updated : .reactivated
        add(object, id: keeper.id, action, differences, .updatePrice(id: keeper.id, changes))
    }

    private mutating func make(
        _ price: Catalog.Price, as object: CatalogSyncObject, _ terms: PriceTerms, _ traits: PriceTraits,
        replacing old: StripeCatalog.Price?
    ) {
        let product = CatalogSyncObject(.product, price.productLookupKey)
        let meter = price.meterLookupKey.map { CatalogSyncObject(.meter, $0) }
        let write = CatalogSyncStep.Write.createPrice(
            price, traits, product: productIDs[product.lookupKey].map { .id($0) } ?? .made(product),
            meter: meter.map { meter in meterIDs[meter.lookupKey].map { .id($0) } ?? .made(meter) })
        var differences = CatalogSyncPlanner.differences(from: old?.terms, to: terms, price)
        differences += (old?.traits ?? PriceTraits()).differences(to: traits)
        if let kept = old.flatMap({ traits.kept(from: $0.traits) }) { differences.append(kept) }
        add(object, id: nil, old == nil ? .created : .replaced, differences, write)
    }

    private static func archive(_ price: StripeCatalog.Price) -> CatalogSyncStep.Write {
        .updatePrice(id: price.id, .init(isActive: false))
    }

    /// The fields that differ; an object that does not exist yet is shown under its name in the file.
    private static func differences(
        from old: PriceTerms?, to new: PriceTerms, _ price: Catalog.Price?
    ) -> [CatalogDifference] {
        let fields: [(String, String?, String?, CatalogDifference.Reader)] = [
            ("product", old?.productID, new.productID ?? price?.productLookupKey, .everybody),
            ("currency", old?.currency, new.currency, .programs),
            ("unit_amount", old?.amount?.text, new.amount?.text, .programs),
            ("interval", old?.interval, new.interval, .programs),
            (
                "interval_count", old?.intervalCount.map { String($0) }, new.intervalCount.map { String($0) },
                .programs
            ),
            ("usage_type", old?.usageType, new.usageType, .programs),
            ("meter", old?.meterID, new.meterID ?? price?.meterLookupKey, .everybody),
            ("pricing", old?.otherScheme, new.otherScheme, .programs),
        ]
        let differences = fields.filter { $0.1 != $0.2 }.map {
            CatalogDifference(field: $0, old: $1, new: $2, reader: $3)
        }
        if old?.money == new.money { return differences }
        return [CatalogDifference(shown: new.money, insteadOf: old?.money)] + differences
    }
}
