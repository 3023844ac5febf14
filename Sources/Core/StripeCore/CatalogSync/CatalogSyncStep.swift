import BillingCore
import BusCore

/// A meter, product or price of a catalog, by its name.
package struct CatalogSyncObject: Hashable, Sendable {
    /// The three kinds, in the order in which a sync creates them.
    package enum Kind: String, CaseIterable, Sendable {
        case meter, product, price
    }

    package let kind: Kind
    /// Its name in the file; the id of an object that the file does not name.
    package let lookupKey: String

    /// An object of the catalog.
    package init(_ kind: Kind, _ lookupKey: String) {
        self.kind = kind
        self.lookupKey = lookupKey
    }
}

/// What a sync does to an object.
package enum CatalogAction: String, Sendable {
    case existing, created, updated, replaced, reactivated, archived
}

/// One field that differs from the file.
package struct CatalogDifference: Hashable, Sendable {
    /// Who reads it.
    enum Reader {
        case everybody
        /// The fields of an amount of money, which people read as one.
        case programs
        /// Words without a field.
        case people
    }

    /// Its name in the file.
    package let field: String
    /// The value in Stripe; nil for none.
    package let old: String?
    /// The new value; nil for none.
    package let new: String?
    let reader: Reader

    init(field: String, old: String?, new: String?, reader: Reader = .everybody) {
        self.field = field
        self.old = old
        self.new = new
        self.reader = reader
    }

    /// Words for people only.
    init(shown: String, insteadOf old: String? = nil) {
        self.init(field: "", old: old, new: shown, reader: .people)
    }
}

/// One write of a sync: a call, and the object it touches.
package struct CatalogSyncStep: Hashable, Sendable {
    /// The object that the call touches.
    package let object: CatalogSyncObject
    /// Its id in Stripe; nil until the step has created it.
    package let id: String?
    package let action: CatalogAction
    package let differences: [CatalogDifference]
    /// The call's content.
    package let write: Write

    /// An id that is known, or the object that an earlier step creates.
    package enum Reference: Hashable, Sendable {
        /// The object exists.
        case id(String)
        /// An earlier step of this plan creates it.
        case made(CatalogSyncObject)
    }

    /// The kinds of write; each is one call.
    package enum Write: Hashable, Sendable {
        case createMeter(Catalog.Meter)
        case renameMeter(id: String, displayName: String)
        case reactivateMeter(id: String)
        case createProduct(Catalog.Product)
        case updateProduct(id: String, ProductChanges)
        /// Nil removes the default.
        case setDefaultPrice(productID: String, Reference?)
        /// The same call takes the lookup key from the price that holds it.
        case createPrice(Catalog.Price, PriceTraits, product: Reference, meter: Reference?)
        case updatePrice(id: String, PriceChanges)
    }

    /// Changes of a product; nil leaves a field alone.
    package struct ProductChanges: Hashable, Sendable {
        package var isActive: Bool?
        package var name: String?
        package var description: String?
        package var mark: CatalogMark?
    }

    /// Changes of a price; nil leaves a field alone.
    package struct PriceChanges: Hashable, Sendable {
        package var isActive: Bool?
        /// The key that it takes from the price that holds it.
        package var lookupKey: String?
        package var mark: CatalogMark?
        /// Those that are set; the others stay.
        package var traits = PriceTraits()
    }
}

extension CatalogSyncStep {
    /// True for writes that create something; under another key they would create it twice.
    package var makesObject: Bool {
        switch write {
        case .createMeter, .createProduct, .createPrice: true
        default: false
        }
    }

    /// True when `other` is this step, planned before some earlier steps were done.
    func isSameWork(as other: CatalogSyncStep) -> Bool {
        object == other.object && action == other.action && makesObject == other.makesObject
            && (id == other.id || other.id == nil)
    }
}
