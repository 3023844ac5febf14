import BillingCore
import BusCore

/// One thing of a catalog: what result, plan and references speak of.
package struct CatalogObject: Hashable, Sendable {
    /// The three kinds, in the order in which a sync makes them.
    package enum Kind: String, CaseIterable, Sendable {
        case meter, product, price
    }

    package let kind: Kind
    /// Its name in the file; of a thing that no file names, its id.
    package let lookupKey: String

    /// Something of the catalog.
    package init(_ kind: Kind, _ lookupKey: String) {
        self.kind = kind
        self.lookupKey = lookupKey
    }
}

/// What a sync does to a thing (bus.md 8.3).
package enum CatalogAction: String, Sendable {
    case existing, created, updated, replaced, reactivated, archived
}

/// One field that is not as the file says.
package struct CatalogDifference: Hashable, Sendable {
    /// The file's name for it.
    package let field: String
    /// What Stripe has; nil for nothing.
    package let old: String?
    /// What it becomes; nil for nothing.
    package let new: String?
}

/// One write of a sync: one call, and what it touches.
package struct CatalogSyncStep: Hashable, Sendable {
    /// What is touched.
    package let object: CatalogObject
    /// Its id in Stripe; nil until the step has made it.
    package let id: String?
    package let action: CatalogAction
    package let differences: [CatalogDifference]
    /// The call's content.
    package let write: Write

    /// An id that is known, or the promise of an earlier step.
    package enum Reference: Hashable, Sendable {
        /// It is there already.
        case id(String)
        /// An earlier step of this plan makes it.
        case made(CatalogObject)
    }

    /// The writes there are; each is one call.
    package enum Write: Hashable, Sendable {
        case createMeter(Catalog.Meter)
        case renameMeter(id: String, displayName: String)
        case reactivateMeter(id: String)
        case createProduct(Catalog.Product)
        case updateProduct(id: String, ProductChanges)
        /// Nil takes the default away.
        case setDefaultPrice(productID: String, Reference?)
        /// The new price takes its lookup key from whoever holds it, in the same call.
        case createPrice(Catalog.Price, product: Reference, meter: Reference?)
        case updatePrice(id: String, PriceChanges)
    }

    /// What becomes different about a product; nil leaves a field alone.
    package struct ProductChanges: Hashable, Sendable {
        package var isActive: Bool?
        package var name: String?
        package var description: String?
        package var mark: CatalogMark?
    }

    /// What becomes different about a price; nil leaves a field alone.
    package struct PriceChanges: Hashable, Sendable {
        package var isActive: Bool?
        /// The key that it takes from whoever holds it.
        package var lookupKey: String?
        package var mark: CatalogMark?
    }
}

extension CatalogSyncStep {
    /// True for the writes that make something: repeated under another key they would make a second one.
    package var makesObject: Bool {
        switch write {
        case .createMeter, .createProduct, .createPrice: true
        default: false
        }
    }

    /// True when this is the same work as `other`, planned again after some of the steps before it.
    func isSameWork(as other: CatalogSyncStep) -> Bool {
        object == other.object && action == other.action && makesObject == other.makesObject
            && (id == other.id || other.id == nil)
    }
}
