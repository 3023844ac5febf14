extension StripeAccount {
    /// The object with ids replaced by what they name, as `expand[]` asks.
    func expanded(_ object: WorldJSON, _ paths: [String], path: String) throws(WorldRefusal) -> WorldJSON {
        var object = object
        for text in paths {
            let names = text.split(separator: ".", omittingEmptySubsequences: false)
            guard names.count <= 5, names.count < 5 || names[0] == "data" else {
                throw WorldRefusal(
                    param: "expand", "You cannot expand more than 4 levels of a property. Property: \(text)")
            }
            object = try expanded(object, names[...], text)
        }
        return object
    }

    private func expanded(
        _ value: WorldJSON, _ names: ArraySlice<Substring>, _ text: String
    ) throws(WorldRefusal) -> WorldJSON {
        guard let name = names.first else { return value }
        if case .list(let elements) = value {
            var shown: [WorldJSON] = []
            for element in elements { shown.append(try expanded(element, names, text)) }
            return .list(shown)
        }
        guard var member = value[String(name)] else {
            throw WorldRefusal(
                param: "expand", "This property cannot be expanded (\(text)). You may want to try expanding another.")
        }
        if case .withheld(let shown) = member { member = shown }
        if case .text(let id) = member {
            guard let object = expandable(String(name), id) else {
                throw WorldRefusal(param: "expand", "This property cannot be expanded (\(text)).")
            }
            member = object
        }
        var value = value
        if member != .null { member = try expanded(member, names.dropFirst(), text) }
        value[String(name)] = member
        return value
    }

    /// What an id of a field names; nil for a field that holds no id.
    private func expandable(_ field: String, _ id: String) -> WorldJSON? {
        switch field {
        case "customer": customers[id]?.json
        case "product": products[id]?.json
        case "price", "default_price": prices[id]?.json
        case "subscription": subscriptions[id].map { json(of: $0) }
        case "schedule": schedules[id]?.json
        case "invoice", "latest_invoice": invoices[id].map { json(of: $0) }
        case "configuration": configurations[id].map { json(of: $0) }
        case "payment_intent": ["id": .text(id), "object": "payment_intent", "livemode": false]
        case "setup_intent": ["id": .text(id), "object": "setup_intent", "livemode": false]
        case "default_payment_method":
            ["id": .text(id), "object": "payment_method", "livemode": false, "type": "card"]
        default: nil
        }
    }
}
