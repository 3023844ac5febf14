import BusCore

/// What calls do to products.
extension StripeAccount {
    func product(_ id: String, param: String? = nil) throws(WorldRefusal) -> SandboxProduct {
        guard let product = products[id] else { throw .missing("product", id, param: param) }
        return product
    }

    mutating func createProduct(_ form: ParameterTree) throws(WorldRefusal) -> WorldJSON {
        let id = form.text("id") ?? ids.next("prod_", length: 14)
        if products[id] != nil {
            throw WorldRefusal(code: "resource_already_exists", param: "id", "Product already exists.")
        }
        var product = SandboxProduct(id: id, created: now, updated: now, name: form.text("name") ?? "")
        product.apply(form, now: now)
        products[id] = product
        emit("product.created", product.json)
        return product.json
    }

    mutating func updateProduct(_ id: String, _ form: ParameterTree) throws(WorldRefusal) -> WorldJSON {
        var product = try product(id)
        let old = product.json
        if let price = form.given("default_price") {
            if !price.isEmpty {
                let found = try self.price(price, param: "default_price")
                guard found.product == id, found.isActive else {
                    throw WorldRefusal(
                        param: "default_price", "The price `\(price)` is archived or belongs to another product.")
                }
            }
            product.defaultPrice = price.nonEmpty
        }
        product.apply(form, now: now)
        products[id] = product
        emitUpdate("product.updated", from: old, to: product.json)
        return product.json
    }

    mutating func deleteProduct(_ id: String) throws(WorldRefusal) -> WorldJSON {
        let product = try product(id)
        if prices.all.contains(where: { $0.product == id }) {
            throw WorldRefusal("This product cannot be deleted because it has one or more user-created prices.")
        }
        products[id] = nil
        emit("product.deleted", product.json)
        return ["id": .text(id), "object": "product", "deleted": true]
    }
}
