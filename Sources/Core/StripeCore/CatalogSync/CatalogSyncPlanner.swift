import BillingCore
import BusContract
import BusCore

/// Compares a catalog with Stripe; prices are in `CatalogSyncPlanner+Prices.swift`.
struct CatalogSyncPlanner {
    let catalog: Catalog
    let stripe: StripeCatalog
    let mode: StripeMode
    let prune: Bool

    private(set) var entries: [CatalogEntry] = []
    var steps: [CatalogSyncStep] = []
    var leftovers: [CatalogSyncObject] = []
    /// What somebody should look at before the writes.
    var warnings: [String] = []
    private(set) var problems: [String] = []

    /// Ids by the file's lookup keys; a step creates what is missing here.
    private(set) var meterIDs: [String: String] = [:]
    private(set) var productIDs: [String: String] = [:]
    /// Products by the id of their default price.
    let productsByDefaultPrice: [String: StripeCatalog.Product]

    init(_ catalog: Catalog, _ stripe: StripeCatalog, _ mode: StripeMode, prune: Bool) {
        self.catalog = catalog
        self.stripe = stripe
        self.mode = mode
        self.prune = prune
        productsByDefaultPrice = Dictionary(
            stripe.products.compactMap { product in product.defaultPriceID.map { ($0, product) } },
            uniquingKeysWith: { first, _ in first })
    }

    mutating func plan() {
        planMeters()
        planProducts()
        planPrices()
        planRest()
    }

    /// Adds an entry and the steps that bring it about.
    mutating func add(
        _ object: CatalogSyncObject, id: String?, _ action: CatalogAction, _ differences: [CatalogDifference],
        _ writes: CatalogSyncStep.Write...
    ) {
        entries.append(CatalogEntry(object: object, id: id, action: action, differences: differences))
        for write in writes {
            steps.append(
                CatalogSyncStep(object: object, id: id, action: action, differences: differences, write: write))
        }
    }

    /// Gives the product of a default price another default; Stripe refuses to archive a default price.
    mutating func moveDefault(from id: String, to price: (reference: CatalogSyncStep.Reference, shown: String)?) {
        guard let product = productsByDefaultPrice[id] else { return }
        let index = entries.firstIndex { $0.id == product.id && $0.object.kind == .product }
        let object =
            index.map { entries[$0].object } ?? CatalogSyncObject(.product, product.mark.lookupKey ?? product.id)
        let difference = CatalogDifference(field: "default_price", old: id, new: price?.shown)
        steps.append(
            CatalogSyncStep(
                object: object, id: product.id, action: .updated, differences: [difference],
                write: .setDefaultPrice(productID: product.id, price?.reference)))
        guard let index else { return }
        if entries[index].action == .existing { entries[index].action = .updated }
        entries[index].differences.append(difference)
    }

    // MARK: Meters

    private mutating func planMeters() {
        let byEventName = Dictionary(grouping: stripe.meters, by: \.eventName)
        for meter in catalog.meters {
            let object = CatalogSyncObject(.meter, meter.lookupKey)
            // Inactive meters may share a name; at most one active meter has it.
            let found = (byEventName[meter.eventName] ?? []).max { left, right in
                (left.isActive ? 1 : 0, left.created, left.id) < (right.isActive ? 1 : 0, right.created, right.id)
            }
            guard let found else {
                let fields = [("event_name", meter.eventName), ("display_name", meter.displayName)]
                add(object, id: nil, .created, made(fields), .createMeter(meter))
                continue
            }
            meterIDs[meter.lookupKey] = found.id
            let fixed = meter.fixed.sorted { $0.key < $1.key }.filter { field, value in
                found.fixed[field].map { $0 != value } ?? false
            }
            for (field, value) in fixed {
                problems.append(
                    "meter \(meter.lookupKey): \(field) is \(found.fixed[field] ?? "") in Stripe (\(found.id)) and "
                        + "\(value) in the file, and Stripe never changes it; give the meter a new event_name")
            }
            var differences: [CatalogDifference] = []
            var writes: [CatalogSyncStep.Write] = []
            if !found.isActive {
                differences.append(CatalogDifference(field: "status", old: "inactive", new: "active"))
                writes.append(.reactivateMeter(id: found.id))
            }
            if found.displayName != meter.displayName {
                differences.append(
                    CatalogDifference(field: "display_name", old: found.displayName, new: meter.displayName))
                writes.append(.renameMeter(id: found.id, displayName: meter.displayName))
            }
            let action: CatalogAction = !found.isActive ? .reactivated : writes.isEmpty ? .existing : .updated
            add(object, id: found.id, action, differences)
            steps += zip(writes, differences).map { write, difference in
                CatalogSyncStep(object: object, id: found.id, action: action, differences: [difference], write: write)
            }
        }
    }

    // MARK: Products

    private mutating func planProducts() {
        let byName = Dictionary(grouping: stripe.products) { $0.mark.lookupKey ?? "" }
        let byID = Dictionary(stripe.products.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
        let named = Set(catalog.products.compactMap(\.stripeProductID))
        for product in catalog.products {
            let object = CatalogSyncObject(.product, product.lookupKey)
            let found: StripeCatalog.Product?
            if let id = product.stripeProductID {
                found = namedProduct(product, byID[id], id)
            } else {
                found = markedProduct(product, (byName[product.lookupKey] ?? []).filter { !named.contains($0.id) })
            }
            guard let found else {
                let fields = [("name", product.name), ("description", product.description)]
                add(object, id: nil, .created, made(fields), .createProduct(product))
                continue
            }
            productIDs[product.lookupKey] = found.id
            let (changes, differences) = self.changes(of: found, to: product)
            if differences.isEmpty {
                add(object, id: found.id, .existing, [])
            } else {
                let action: CatalogAction = found.isActive ? .updated : .reactivated
                add(object, id: found.id, action, differences, .updateProduct(id: found.id, changes))
            }
        }
    }

    /// The product that the file names by its id.
    private mutating func namedProduct(
        _ product: Catalog.Product, _ found: StripeCatalog.Product?, _ id: String
    ) -> StripeCatalog.Product? {
        let prefix = "product \(product.lookupKey): the stripe_product_id \(id)"
        guard let found else {
            problems.append("\(prefix) is no product of this account in \(mode.rawValue) mode; correct or remove it")
            return nil
        }
        let others = catalog.products.filter { $0.lookupKey != product.lookupKey }
        if let other = others.first(where: { $0.stripeProductID == id || $0.lookupKey == found.mark.lookupKey }) {
            problems.append("\(prefix) already stands for the product \(other.lookupKey); give each product its own")
        }
        return found
    }

    /// The product whose mark names a product of the file; an archived one counts only without an active one.
    private mutating func markedProduct(
        _ product: Catalog.Product, _ found: [StripeCatalog.Product]
    ) -> StripeCatalog.Product? {
        let active = found.filter(\.isActive)
        let candidates = active.isEmpty ? found : active
        if candidates.count > 1 {
            let ids = candidates.map(\.id).sorted().joined(separator: " and ")
            problems.append(
                "product \(product.lookupKey): \(ids) carry its name in \(CatalogMark.nameKey); write the "
                    + "stripe_product_id of the right one into the file")
        }
        return candidates.first
    }

    private func changes(
        of found: StripeCatalog.Product, to product: Catalog.Product
    ) -> (CatalogSyncStep.ProductChanges, [CatalogDifference]) {
        var changes = CatalogSyncStep.ProductChanges()
        var differences: [CatalogDifference] = []
        if !found.isActive {
            changes.isActive = true
            differences.append(CatalogDifference(field: "active", old: "false", new: "true"))
        }
        if found.name != product.name {
            changes.name = product.name
            differences.append(CatalogDifference(field: "name", old: found.name, new: product.name))
        }
        // A description that the file leaves out is not changed.
        if let description = product.description, found.description != description {
            changes.description = description
            differences.append(CatalogDifference(field: "description", old: found.description, new: description))
        }
        let mark = CatalogMark(product.lookupKey, mode: mode)
        if found.mark != mark {
            changes.mark = mark
            differences.append(CatalogSyncPlanner.difference(from: found.mark, to: mark))
        }
        return (changes, differences)
    }

    // MARK: What the file does not name

    private mutating func planRest() {
        let kept = Set(productIDs.values)
        for product in stripe.products where product.isActive && product.mark.isOurs(mode) && !kept.contains(product.id)
        {
            let object = CatalogSyncObject(.product, product.mark.lookupKey ?? product.id)
            if prune {
                let changes = CatalogSyncStep.ProductChanges(isActive: false)
                add(object, id: product.id, .archived, [], .updateProduct(id: product.id, changes))
            } else {
                leftovers.append(object)
            }
        }
    }

    static func difference(from old: CatalogMark, to new: CatalogMark) -> CatalogDifference {
        func text(_ mark: CatalogMark) -> String? {
            mark.marker == nil && mark.lookupKey == nil ? nil : "\(mark.marker ?? "-")/\(mark.lookupKey ?? "-")"
        }
        return CatalogDifference(field: "metadata", old: text(old), new: text(new))
    }

    /// The fields of a new object, as differences.
    func made(_ fields: [(String, String?)]) -> [CatalogDifference] {
        fields.compactMap { field, value in value.map { CatalogDifference(field: field, old: nil, new: $0) } }
    }
}

extension Catalog.Meter {
    /// The fields that Stripe never changes, under their names in the file.
    fileprivate var fixed: [String: String] {
        [
            "aggregation_formula": aggregationFormula.rawValue,
            "customer_mapping_type": customerMappingType.rawValue,
            "customer_mapping_event_payload_key": customerMappingEventPayloadKey,
            "value_settings_event_payload_key": valueSettingsEventPayloadKey,
        ]
    }
}
