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
        // A price cannot exist before its meter, so a price of a new meter is new too.
        let isPossible = price.meterLookupKey == nil || meterID != nil
        let equal = isPossible ? group.filter { $0.terms == terms } : []
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
            keep(keeper, as: object, mark, replacing: keeper.id == holder?.id ? nil : holder)
        } else {
            reference = .made(object)
            make(price, as: object, terms, replacing: holder ?? superseded.last { $0.isActive })
        }
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

    /// Keeps a price with the right terms, and makes it active, marked and the holder of the key.
    private mutating func keep(
        _ keeper: StripeCatalog.Price, as object: CatalogSyncObject, _ mark: CatalogMark,
        replacing holder: StripeCatalog.Price?
    ) {
        var changes = CatalogSyncStep.PriceChanges()
        var differences: [CatalogDifference] = []
        if let holder { differences = CatalogSyncPlanner.differences(from: holder.terms, to: keeper.terms, nil) }
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
        guard changes != CatalogSyncStep.PriceChanges() else { return add(object, id: keeper.id, .existing, []) }
        let action: CatalogAction = holder != nil ? .replaced : keeper.isActive ? .updated : .reactivated
        add(object, id: keeper.id, action, differences, .updatePrice(id: keeper.id, changes))
    }

    private mutating func make(
        _ price: Catalog.Price, as object: CatalogSyncObject, _ terms: PriceTerms, replacing old: StripeCatalog.Price?
    ) {
        let product = CatalogSyncObject(.product, price.productLookupKey)
        let meter = price.meterLookupKey.map { CatalogSyncObject(.meter, $0) }
        let write = CatalogSyncStep.Write.createPrice(
            price, product: productIDs[product.lookupKey].map { .id($0) } ?? .made(product),
            meter: meter.map { meter in meterIDs[meter.lookupKey].map { .id($0) } ?? .made(meter) })
        let differences = CatalogSyncPlanner.differences(from: old?.terms, to: terms, price)
        add(object, id: nil, old == nil ? .created : .replaced, differences, write)
    }

    private static func archive(_ price: StripeCatalog.Price) -> CatalogSyncStep.Write {
        .updatePrice(id: price.id, .init(isActive: false))
    }

    /// The fields that differ; an object that does not exist yet is shown under its name in the file.
    private static func differences(
        from old: PriceTerms?, to new: PriceTerms, _ price: Catalog.Price?
    ) -> [CatalogDifference] {
        let fields: [(String, String?, String?)] = [
            ("product", old?.productID, new.productID ?? price?.productLookupKey),
            ("currency", old?.currency, new.currency), ("unit_amount", old?.amount, new.amount),
            ("interval", old?.interval, new.interval),
            ("interval_count", old?.intervalCount.map { String($0) }, new.intervalCount.map { String($0) }),
            ("usage_type", old?.usageType, new.usageType),
            ("meter", old?.meterID, new.meterID ?? price?.meterLookupKey),
            ("pricing", old?.otherScheme, new.otherScheme),
        ]
        return fields.filter { $0.1 != $0.2 }.map { CatalogDifference(field: $0, old: $1, new: $2) }
    }
}
