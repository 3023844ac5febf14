/// A call that went through its table of parameters.
struct RoutedCall: Sendable {
    /// What stands for the placeholders of the path, in order.
    let ids: [String]
    let form: ParameterTree
    let version: APIVersion
    /// The path, for lists that name themselves.
    let path: String

    /// The first id of the path.
    var id: String { ids.first ?? "" }
}

/// One entry of the API: a path with `*` for ids, its parameters, and what it does.
struct CallRoute: Sendable {
    let method: WorldCall.Method
    let segments: [Substring]
    let parameters: [String: ParameterShape]
    let perform: @Sendable (inout StripeAccount, RoutedCall) throws(WorldRefusal) -> WorldJSON

    init(
        _ method: WorldCall.Method, _ path: String, _ parameters: [String: ParameterShape] = [:],
        _ perform: @escaping @Sendable (inout StripeAccount, RoutedCall) throws(WorldRefusal) -> WorldJSON
    ) {
        self.method = method
        segments = path.split(separator: "/").map { Substring($0) }
        // What every call takes.
        self.parameters = parameters.merging(["expand": .list(.text(500), 20)]) { $1 }
        self.perform = perform
    }

    /// Every call that the world knows.
    static let all: [CallRoute] =
        catalog + meters + customers + checkout + portal + subscriptions + schedules + invoices + invoiceItems + records

    /// The entry for a call and its ids; nil where there is none.
    static func find(_ method: WorldCall.Method, _ path: String) -> (route: CallRoute, ids: [String])? {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
        var found: (route: CallRoute, ids: [String])?
        for route in all where route.method == method && route.segments.count == parts.count {
            let pairs = zip(route.segments, parts)
            guard pairs.allSatisfy({ $0 == "*" ? !$1.isEmpty : $0 == $1 }) else { continue }
            let ids = pairs.compactMap { $0 == "*" ? String($1) : nil }
            // `/v1/customers/search` fits two entries; the one with fewer placeholders wins.
            if let known = found, known.ids.count <= ids.count { continue }
            found = (route, ids)
        }
        return found
    }
}
