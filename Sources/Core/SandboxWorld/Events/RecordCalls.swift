import BusCore

/// Where webhooks go, as a call made it.
package struct WorldEndpoint: Hashable, Sendable {
    /// `we_…`.
    package let id: String
    /// Where to.
    package internal(set) var url: String
    /// Signs the webhooks; a value of this world alone.
    package let secret: String
    /// The shape of its events; nil is the account's.
    package let version: APIVersion?
    let created: Int64
    let isConnect: Bool
    var types: [String]
    var isEnabled = true
    var description: String?
    var metadata: [String: String] = [:]

    /// True for the events that it was made for; thin events go elsewhere.
    package func wants(_ event: WorldEvent) -> Bool {
        isEnabled && !event.isThin && isConnect == (event.account != nil)
            && (types.contains("*") || types.contains(event.type))
    }

    var json: WorldJSON {
        [
            "id": .text(id), "object": "webhook_endpoint", "api_version": .text(or: version?.name),
            "application": .null, "created": .integer(created), "description": .text(or: description),
            "enabled_events": .list(types.map { .text($0) }), "livemode": false, "metadata": .map(metadata),
            "status": isEnabled ? "enabled" : "disabled", "url": .text(url),
        ]
    }
}

extension CallRoute {
    private static let endpoint: [String: ParameterShape] = [
        "url": .url, "enabled_events": .list(.text(100), 500), "description": .clearable(.text(5_000)),
        "metadata": .metadata,
    ]

    /// Events, webhook endpoints, and what a key is good for.
    static let records: [CallRoute] = [
        CallRoute(.get, "/v1/balance") { _, _ throws(WorldRefusal) in
            [
                "object": "balance",
                "available": [["amount": 0, "currency": "eur", "source_types": ["card": 0]]], "livemode": false,
                "pending": [["amount": 0, "currency": "eur", "source_types": ["card": 0]]],
            ]
        },
        CallRoute(.get, "/v1/account") { account, _ throws(WorldRefusal) in
            [
                "id": .text(account.id), "object": "account", "business_profile": ["name": "Sandbox"],
                "charges_enabled": true, "country": "FI", "default_currency": "eur", "details_submitted": true,
                "email": .null, "payouts_enabled": true, "settings": ["dashboard": ["display_name": "Sandbox"]],
                "type": "standard",
            ]
        },
        CallRoute(
            .get, "/v1/events",
            Paging.fields([
                "type": .text(100), "types": .list(.text(100), 20), "delivery_success": .flag,
            ])
        ) { account, call throws(WorldRefusal) in try account.listEvents(call) },
        CallRoute(.get, "/v1/events/*") { account, call throws(WorldRefusal) in
            guard let event = account.events[call.id], !event.isThin else { throw .missing("event", call.id) }
            return event.document(version: account.settings.version, pending: 0)
        },
        CallRoute(.get, "/v2/core/events/*") { account, call throws(WorldRefusal) in
            guard let event = account.events[call.id], event.isThin else { throw .missing("event", call.id) }
            return event.document(version: account.settings.version, pending: 0, showingDetails: true)
        },
        CallRoute(
            .post, "/v1/webhook_endpoints",
            endpoint.merging([
                "url": .required(.url), "enabled_events": .required(.list(.text(100), 500)), "api_version": .text(50),
                "connect": .flag,
            ]) { $1 }
        ) { account, call throws(WorldRefusal) in try account.createEndpoint(call.form) },
        CallRoute(.get, "/v1/webhook_endpoints", Paging.fields()) { account, call throws(WorldRefusal) in
            try account.list(account.endpoints, call, created: \.created, json: \.json)
        },
        CallRoute(.get, "/v1/webhook_endpoints/*") { account, call throws(WorldRefusal) in
            try account.endpoint(call.id).json
        },
        CallRoute(.post, "/v1/webhook_endpoints/*", endpoint.merging(["disabled": .flag]) { $1 }) {
            account, call throws(WorldRefusal) in
            var endpoint = try account.endpoint(call.id)
            endpoint.apply(call.form)
            account.endpoints[call.id] = endpoint
            return endpoint.json
        },
        CallRoute(.delete, "/v1/webhook_endpoints/*") { account, call throws(WorldRefusal) in
            _ = try account.endpoint(call.id)
            account.endpoints[call.id] = nil
            return ["id": .text(call.id), "object": "webhook_endpoint", "deleted": true]
        },
    ]
}

extension WorldEndpoint {
    fileprivate mutating func apply(_ form: ParameterTree) {
        url = form.text("url") ?? url
        if form["enabled_events"] != nil { types = form.texts("enabled_events") }
        if let flag = form.flag("disabled") { isEnabled = !flag }
        if let text = form.given("description") { description = text.nonEmpty }
        StripeAccount.merge(form, "metadata", into: &metadata)
    }
}

extension StripeAccount {
    fileprivate func endpoint(_ id: String) throws(WorldRefusal) -> WorldEndpoint {
        guard let endpoint = endpoints[id] else { throw .missing("webhook endpoint", id) }
        return endpoint
    }

    fileprivate mutating func createEndpoint(_ form: ParameterTree) throws(WorldRefusal) -> WorldJSON {
        guard endpoints.count < Limits.sandboxEndpointsMax else {
            throw WorldRefusal("You have reached the maximum of \(Limits.sandboxEndpointsMax) webhook endpoints.")
        }
        let version = form.text("api_version").map { APIVersion($0) }
        if let version, version == nil {
            throw WorldRefusal(param: "api_version", "Invalid Stripe API version: \(form.text("api_version") ?? "")")
        }
        var endpoint = WorldEndpoint(
            id: ids.next("we_"), url: form.text("url") ?? "", secret: ids.next("whsec_", length: 32),
            version: version ?? nil, created: now, isConnect: form.flag("connect") ?? false,
            types: form.texts("enabled_events"))
        endpoint.apply(form)
        endpoints[endpoint.id] = endpoint
        var json = endpoint.json
        // Only the answer to the making shows it.
        json["secret"] = .text(endpoint.secret)
        return json
    }

    fileprivate func listEvents(_ call: RoutedCall) throws(WorldRefusal) -> WorldJSON {
        let request = try Paging.Request(call.form)
        let types = call.form.texts("types")
        if !types.isEmpty, call.form.text("type") != nil {
            throw WorldRefusal(
                code: "parameters_exclusive", param: "types",
                "You may only specify one of these parameters: type, types.")
        }
        let isDelivered = call.form.flag("delivery_success")
        let wanted = types + [call.form.text("type")].compactMap { $0 }
        let page = events.page(after: request.after, before: request.before, count: request.limit) { event in
            !event.isThin && Paging.contains(event.created, call.form)
                && isDelivered.map { $0 != unacknowledged.contains(event.id) } ?? true
                && (wanted.isEmpty || wanted.contains { StripeAccount.matches(event.type, $0) })
        }
        guard let page else { throw StripeAccount.noCursor(request) }
        return Paging.list(
            page.elements.map { $0.document(version: settings.version, pending: 0) }, hasMore: page.hasMore,
            url: call.path)
    }

    /// A type, or a beginning before an asterisk.
    private static func matches(_ type: String, _ pattern: String) -> Bool {
        pattern.hasSuffix("*") ? type.hasPrefix(pattern.dropLast()) : type == pattern
    }
}
