import BusCore

/// Stripe's products, prices and meters, with the rules a sync can run into.
package struct StripeCatalogModel: Sendable, Hashable {
    /// Objects in the order of their making, by list path.
    package var objects: [String: [[String: JSONValue]]] = [:]
    /// Objects on one page at most; Stripe has 100.
    package var pageObjectsMax = 100
    /// The mode of everything made here.
    package var isLive = false
    private var made = 0

    package static let products = "/v1/products"
    package static let prices = "/v1/prices"
    package static let meters = "/v1/billing/meters"
    package static let portals = "/v1/billing_portal/configurations"

    package init() {}

    struct Refusal: Error {
        let status: Int
        let message: String
        let code: String?
    }

    /// A portal configuration in which customers may change to these prices.
    package mutating func addPortal(_ id: String, offering prices: [String], isActive: Bool = true) {
        objects[StripeCatalogModel.portals, default: []].append([
            "id": .string(id), "object": "billing_portal.configuration", "active": .bool(isActive),
            "is_default": true, "livemode": .bool(isLive),
            "features": [
                "subscription_update": [
                    "enabled": true, "products": [["prices": .array(prices.map(JSONValue.string))]],
                ]
            ],
        ])
    }

    /// The answer to a call, or nil when the path is none of the lists.
    mutating func answer(_ method: String, _ path: String, _ form: [String: String]) -> StripeWorld.Reply? {
        let lists = [
            StripeCatalogModel.products, StripeCatalogModel.prices, StripeCatalogModel.meters,
            StripeCatalogModel.portals,
        ]
        for list in lists {
            guard path == list || path.hasPrefix(list + "/") else { continue }
            do {
                let rest = path.dropFirst(list.count).split(separator: "/").map(String.init)
                let body = try method == "GET" ? page(list, form) : write(list, rest, form)
                return StripeWorld.Reply(body: String(decoding: body.serialized(), as: UTF8.self))
            } catch let refusal as Refusal {
                return .error(refusal.status, "invalid_request_error", refusal.message, code: refusal.code)
            } catch {
                return .error(500, "api_error", "\(error)")
            }
        }
        return nil
    }

    // MARK: Lists

    private func page(_ list: String, _ form: [String: String]) throws -> JSONValue {
        var all = Array((objects[list] ?? []).reversed())
        if let active = form["active"] { all = all.filter { $0["active"] == .bool(active == "true") } }
        if let status = form["status"] { all = all.filter { $0["status"] == .string(status) } }
        if let after = form["starting_after"] {
            guard let index = all.firstIndex(where: { $0["id"] == .string(after) }) else {
                throw Refusal(status: 400, message: "No such object: '\(after)'", code: "resource_missing")
            }
            all = Array(all[(index + 1)...])
        }
        let limit = min(form["limit"].flatMap { Int($0) } ?? 10, pageObjectsMax)
        return [
            "object": "list", "url": .string(list), "has_more": .bool(all.count > limit),
            "data": .array(all.prefix(limit).map { .object(expanded($0, list, form["expand[]"])) }),
        ]
    }

    /// Without the fields that nobody asked to expand.
    private func expanded(
        _ object: [String: JSONValue], _ list: String, _ field: String? = nil
    ) -> [String: JSONValue] {
        var object = object
        switch list {
        case StripeCatalogModel.prices where field != "data.currency_options": object["currency_options"] = nil
        case StripeCatalogModel.prices:
            guard let currency = object["currency"]?.text, case .object(var options)? = object["currency_options"]
            else { break }
            options[currency] = ["unit_amount": object["unit_amount"] ?? .null]
            object["currency_options"] = .object(options)
        case StripeCatalogModel.portals where field != "data.features.subscription_update.products":
            object["features"] = ["subscription_update": ["enabled": true]]
        default: break
        }
        return object
    }

    // MARK: Writes

    private mutating func write(_ list: String, _ rest: [String], _ form: [String: String]) throws -> JSONValue {
        var next = self
        let isNew = rest.isEmpty
        var object = isNew ? next.blank(list) : try find(list, rest[0])
        switch list {
        case StripeCatalogModel.products: try next.product(&object, form, isNew)
        case StripeCatalogModel.prices: try next.price(&object, form, isNew)
        default: try next.meter(&object, form, isNew, rest.dropFirst().first)
        }
        next.store(object, in: list)
        self = next  // A refused call leaves no trace.
        return .object(expanded(object, list))
    }

    private mutating func blank(_ list: String) -> [String: JSONValue] {
        made += 1
        let (prefix, kind) =
            switch list {
            case StripeCatalogModel.products: ("prod", "product")
            case StripeCatalogModel.prices: ("price", "price")
            default: ("mtr", "billing.meter")
            }
        return [
            "id": .string("\(prefix)_test_\(made)"), "object": .string(kind), "created": .integer(Int64(1_000 + made)),
            "livemode": .bool(isLive), "active": true, "metadata": [:],
        ]
    }

    private func find(_ list: String, _ id: String) throws -> [String: JSONValue] {
        guard let object = objects[list]?.first(where: { $0["id"] == .string(id) }) else {
            throw Refusal(status: 404, message: "No such object: '\(id)'", code: "resource_missing")
        }
        return object
    }

    private mutating func store(_ object: [String: JSONValue], in list: String) {
        if let index = objects[list]?.firstIndex(where: { $0["id"] == object["id"] }) {
            objects[list]?[index] = object
        } else {
            objects[list, default: []].append(object)
        }
    }

    private func check(_ form: [String: String], _ known: [String]) throws {
        for key in form.keys
        where !known.contains(key) && !key.hasPrefix("metadata[")
            && !(key.hasPrefix("currency_options[") && known.contains("currency_options"))
        {
            throw Refusal(status: 400, message: "Received unknown parameter: \(key)", code: "parameter_unknown")
        }
    }

    private func merge(_ form: [String: String], into object: inout [String: JSONValue]) {
        guard case .object(var metadata)? = object["metadata"] else { return }
        for (key, value) in form where key.hasPrefix("metadata[") {
            metadata[String(key.dropFirst("metadata[".count).dropLast())] = .string(value)
        }
        object["metadata"] = .object(metadata)
        if let active = form["active"] { object["active"] = .bool(active == "true") }
    }

    private func product(_ object: inout [String: JSONValue], _ form: [String: String], _ isNew: Bool) throws {
        try check(form, ["name", "description", "active"] + (isNew ? [] : ["default_price"]))
        merge(form, into: &object)
        for key in ["name", "description"] {
            if let value = form[key] { object[key] = .string(value) }
        }
        guard let id = form["default_price"] else { return }
        if id.isEmpty {
            object["default_price"] = .null
        } else {
            let price = try find(StripeCatalogModel.prices, id)
            guard price["product"] == object["id"], price["active"] == true else {
                throw Refusal(status: 400, message: "The default price must be an active price of it", code: nil)
            }
            object["default_price"] = .string(id)
        }
    }

    private mutating func price(_ object: inout [String: JSONValue], _ form: [String: String], _ isNew: Bool) throws {
        let fixed = [
            "product", "currency", "unit_amount", "unit_amount_decimal", "recurring[interval]",
            "recurring[interval_count]", "recurring[usage_type]", "recurring[meter]",
        ]
        let changing = ["active", "lookup_key", "transfer_lookup_key", "tax_behavior", "nickname", "currency_options"]
        try check(form, changing + (isNew ? fixed : []))
        let id = object["id"] ?? .null
        if form["active"] == "false",
            objects[StripeCatalogModel.products]?.contains(where: { $0["default_price"] == id }) == true
        {
            let message = "This price cannot be archived because it is the default price of its product."
            throw Refusal(status: 400, message: message, code: nil)
        }
        merge(form, into: &object)
        if isNew { try terms(&object, form) }
        try traits(&object, form)
        guard let key = form["lookup_key"] else { return }
        let holder = objects[StripeCatalogModel.prices]?.first { $0["lookup_key"] == .string(key) && $0["id"] != id }
        if var holder {
            guard form["transfer_lookup_key"] == "true" else {
                let message = "A price (`\(holder["id"]?.text ?? "")`) already uses that lookup key."
                throw Refusal(status: 400, message: message, code: nil)
            }
            holder["lookup_key"] = .null
            store(holder, in: StripeCatalogModel.prices)
        }
        object["lookup_key"] = .string(key)
    }

    private func traits(_ object: inout [String: JSONValue], _ form: [String: String]) throws {
        if let nickname = form["nickname"] { object["nickname"] = .string(nickname) }
        let taxBehavior = object["tax_behavior"] ?? "unspecified"
        object["tax_behavior"] = form["tax_behavior"].map(JSONValue.string) ?? taxBehavior
        if taxBehavior != "unspecified", object["tax_behavior"] != taxBehavior {
            throw Refusal(status: 400, message: "You cannot change the tax behavior of a price", code: nil)
        }
        guard case .object(let before) = object["currency_options"] ?? [:] else { return }
        var options = before
        for (key, value) in form where key.hasPrefix("currency_options[") {
            let parts = key.split { "[]".contains($0) }.map(String.init)
            guard parts.count == 3, before[parts[1]] == nil, object["currency"] != .string(parts[1]) else {
                throw Refusal(status: 400, message: "You cannot change the option \(key)", code: nil)
            }
            guard case .object(var option) = options[parts[1]] ?? [:] else { continue }
            option[parts[2]] = parts[2] == "unit_amount" ? .number(value) : .string(value)
            if parts[2] == "unit_amount" { option["unit_amount_decimal"] = .string(value) }
            options[parts[1]] = .object(option)
        }
        if !options.isEmpty { object["currency_options"] = .object(options) }
    }

    private func terms(_ object: inout [String: JSONValue], _ form: [String: String]) throws {
        _ = try find(StripeCatalogModel.products, form["product"] ?? "")
        object["product"] = form["product"].map(JSONValue.string)
        object["currency"] = form["currency"].map(JSONValue.string)
        object["billing_scheme"] = "per_unit"
        object["unit_amount"] = form["unit_amount"].map(JSONValue.number) ?? .null
        object["unit_amount_decimal"] = (form["unit_amount"] ?? form["unit_amount_decimal"]).map(JSONValue.string)
        guard let interval = form["recurring[interval]"] else { return }
        let usage = form["recurring[usage_type]"] ?? "licensed"
        if usage == "metered" {
            let meter = try find(StripeCatalogModel.meters, form["recurring[meter]"] ?? "")
            guard meter["status"] == "active" else {
                throw Refusal(status: 400, message: "The meter is not active", code: nil)
            }
        }
        object["recurring"] = [
            "interval": .string(interval), "interval_count": .number(form["recurring[interval_count]"] ?? "1"),
            "usage_type": .string(usage), "meter": form["recurring[meter]"].map(JSONValue.string) ?? .null,
        ]
    }

    private func meter(
        _ object: inout [String: JSONValue], _ form: [String: String], _ isNew: Bool, _ verb: String?
    ) throws {
        let create = [
            "event_name", "default_aggregation[formula]", "customer_mapping[type]",
            "customer_mapping[event_payload_key]", "value_settings[event_payload_key]",
        ]
        try check(form, verb != nil ? [] : ["display_name"] + (isNew ? create : []))
        if let name = form["display_name"] { object["display_name"] = .string(name) }
        if let verb { object["status"] = verb == "reactivate" ? "active" : "inactive" }
        guard isNew else { return }
        let name = JSONValue.string(form["event_name"] ?? "")
        let others = objects[StripeCatalogModel.meters] ?? []
        if others.contains(where: { $0["event_name"] == name && $0["status"] == "active" }) {
            throw Refusal(status: 400, message: "An active meter already has that event_name", code: nil)
        }
        func text(_ key: String) -> JSONValue { .string(form[key] ?? "") }
        object["event_name"] = name
        object["status"] = "active"
        object["default_aggregation"] = ["formula": text("default_aggregation[formula]")]
        object["customer_mapping"] = [
            "type": text("customer_mapping[type]"),
            "event_payload_key": text("customer_mapping[event_payload_key]"),
        ]
        object["value_settings"] = ["event_payload_key": text("value_settings[event_payload_key]")]
    }
}
