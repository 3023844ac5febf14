/// Lists: newest first, ten at a time unless asked otherwise.
enum Paging {
    private static let paging: [String: ParameterShape] = [
        "limit": .integer(1...100), "starting_after": .id, "ending_before": .id, "created": .range,
    ]

    /// The parameters of a list, with its own filters.
    static func fields(_ own: [String: ParameterShape] = [:]) -> [String: ParameterShape] {
        paging.merging(own) { $1 }
    }

    struct Request {
        let limit: Int
        let after: String?
        let before: String?

        init(_ form: ParameterTree) throws(WorldRefusal) {
            limit = Int(form.integer("limit") ?? 10)
            after = form.text("starting_after")
            before = form.text("ending_before")
            if after != nil, before != nil {
                throw WorldRefusal(
                    code: "parameters_exclusive", param: "ending_before",
                    "You may only specify one of these parameters: starting_after, ending_before.")
            }
        }
    }

    /// True when a time lies where `created` or `created[gte]` and the like say.
    static func contains(_ time: Int64, _ form: ParameterTree, _ field: String = "created") -> Bool {
        if let exact = form.integer(field) { return time == exact }
        guard let range = form[field] else { return true }
        return time > range.integer("gt") ?? .min && time >= range.integer("gte") ?? .min
            && time < range.integer("lt") ?? .max && time <= range.integer("lte") ?? .max
    }

    /// The list object.
    static func list(_ data: [WorldJSON], hasMore: Bool, url: String) -> WorldJSON {
        ["object": "list", "data": .list(data), "has_more": .bool(hasMore), "url": .text(url)]
    }
}

extension StripeAccount {
    /// One page of a shelf.
    func list<Element>(
        _ shelf: Shelf<Element>, _ call: RoutedCall, created: (Element) -> Int64, json: (Element) -> WorldJSON,
        where passes: (Element) -> Bool = { _ in true }
    ) throws(WorldRefusal) -> WorldJSON {
        let request = try Paging.Request(call.form)
        let page = shelf.page(after: request.after, before: request.before, count: request.limit) { element in
            passes(element) && Paging.contains(created(element), call.form)
        }
        guard let page else { throw StripeAccount.noCursor(request) }
        return Paging.list(page.elements.map(json), hasMore: page.hasMore, url: call.path)
    }

    static func noCursor(_ request: Paging.Request) -> WorldRefusal {
        let param = request.after == nil ? "ending_before" : "starting_after"
        return .missing("object", request.after ?? request.before ?? "", param: param)
    }
}
