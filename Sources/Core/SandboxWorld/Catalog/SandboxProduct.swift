import BusCore

/// A product.
struct SandboxProduct: Sendable {
    let id: String
    let created: Int64
    var updated: Int64
    var isActive = true
    var name: String
    var description: String?
    var defaultPrice: String?
    var unitLabel: String?
    var statementDescriptor: String?
    var taxCode: String?
    var url: String?
    var images: [String] = []
    var marketingFeatures: [String] = []
    var metadata: [String: String] = [:]

    var json: WorldJSON {
        [
            "id": .text(id), "object": "product", "active": .bool(isActive), "attributes": [],
            "created": .integer(created), "default_price": .text(or: defaultPrice),
            "description": .text(or: description), "images": .list(images.map { .text($0) }), "livemode": false,
            "marketing_features": .list(marketingFeatures.map { ["name": .text($0)] }), "metadata": .map(metadata),
            "name": .text(name), "package_dimensions": .null, "shippable": .null,
            "statement_descriptor": .text(or: statementDescriptor), "tax_code": .text(or: taxCode), "type": "service",
            "unit_label": .text(or: unitLabel), "updated": .integer(updated), "url": .text(or: url),
        ]
    }

    /// Takes over what a form says.
    mutating func apply(_ form: ParameterTree, now: Int64) {
        isActive = form.flag("active") ?? isActive
        name = form.text("name") ?? name
        if let text = form.given("description") { description = text.nonEmpty }
        if let text = form.given("unit_label") { unitLabel = text.nonEmpty }
        if let text = form.given("statement_descriptor") { statementDescriptor = text.nonEmpty }
        if let text = form.given("tax_code") { taxCode = text.nonEmpty }
        if let text = form.given("url") { url = text.nonEmpty }
        if form["images"] != nil { images = form.texts("images") }
        if form["marketing_features"] != nil {
            marketingFeatures = form.list("marketing_features").compactMap { $0.text("name") }
        }
        StripeAccount.merge(form, "metadata", into: &metadata)
        updated = now
    }
}
