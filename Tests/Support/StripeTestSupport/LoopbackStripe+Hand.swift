import BusCore
import TestSupport

/// What somebody does in the dashboard; nobody notes it.
extension LoopbackStripe {
    private static let headers = [
        "Authorization": "Bearer sk_test_hand", "Content-Type": "application/x-www-form-urlencoded",
    ]

    /// Makes or changes something.
    @discardableResult
    package func post(_ path: String, _ form: String = "") async throws -> JSONValue {
        try read(try await hand.post(path, Array(form.utf8), headers: Self.headers), "POST \(path) \(form)")
    }

    /// Reads something.
    package func get(_ path: String) async throws -> JSONValue {
        try read(try await hand.get(path, headers: Self.headers), "GET \(path)")
    }

    /// Deletes something.
    package func delete(_ path: String) async throws {
        _ = try read(try await hand.delete(path, headers: Self.headers), "DELETE \(path)")
    }

    /// A whole list, oldest first; `filter` is a query.
    package func list(_ path: String, _ filter: String = "") async throws -> [JSONValue] {
        var found: [JSONValue] = []
        var after = ""
        while true {
            let page = try await get("\(path)?limit=100\(filter.isEmpty ? "" : "&\(filter)")\(after)")
            found += page["data"]?.elements ?? []
            guard page["has_more"] == true, let last = found.last?["id"]?.text else { return found.reversed() }
            after = "&starting_after=\(last)"
        }
    }

    /// Dials faults as `PUT /sandbox/faults` takes them, in the place of those that were dialled.
    package func dial(_ faults: JSONValue) async throws {
        _ = try read(try await hand.put("/sandbox/faults", faults.serialized()), "PUT /sandbox/faults")
    }

    /// Sends the form of a hosted page, as a click does.
    package func click(_ path: String, _ form: String) async throws {
        let status = try await hand.submit(path, form).status
        guard status == 303 else { throw UnexpectedAnswer("\(path) \(form): \(status)") }
    }

    /// What a meter counted of a customer.
    package func usage(of eventName: String, by customer: String) async throws -> Int64 {
        let meters = try await list("/v1/billing/meters").filter { $0["event_name"]?.text == eventName }
        let id = meters.last?["id"]?.text ?? "none"
        let totals = try await get(
            "/v1/billing/meters/\(id)/event_summaries?customer=\(customer)&start_time=60&end_time=4102444800")
        return totals["data"]?.elements?.first?["aggregated_value"]?.integer ?? 0
    }

    private func read(_ answer: LoopbackClient.Answer, _ call: String) throws -> JSONValue {
        guard answer.status == 200, let body = answer.json else {
            throw UnexpectedAnswer("\(call): \(answer.status) \(answer.text)")
        }
        return body
    }
}

// MARK: - Things to begin with

extension LoopbackStripe {
    /// Sells something new for 20.00 EUR a month; `more` goes into the form of the price, whose id comes back.
    @discardableResult
    package func sell(_ more: String = "") async throws -> String {
        let product = try await post("/v1/products", "name=Pro")["id"]?.text ?? ""
        return try await addPrice("unit_amount=2000&recurring[interval]=month", to: product, more)
    }

    /// Sells something new for 20.00 EUR once.
    @discardableResult
    package func sellOnce(_ more: String = "") async throws -> String {
        let product = try await post("/v1/products", "name=Setup")["id"]?.text ?? ""
        return try await addPrice("unit_amount=2000", to: product, more)
    }

    /// Sells what a meter counts for 0.01 EUR each; makes the meter when nobody has.
    @discardableResult
    package func sellUse(of eventName: String = "tokens", _ more: String = "") async throws -> String {
        let known = try await list("/v1/billing/meters").first { $0["event_name"]?.text == eventName }
        let form = "display_name=\(eventName)&event_name=\(eventName)&default_aggregation[formula]=sum"
        let meter = if let known { known } else { try await post("/v1/billing/meters", form) }
        let product = try await post("/v1/products", "name=Use")["id"]?.text ?? ""
        let terms =
            "unit_amount=1&recurring[interval]=month&recurring[usage_type]=metered&recurring[meter]=\(meter["id"]?.text ?? "")"
        return try await addPrice(terms, to: product, more)
    }

    private func addPrice(_ terms: String, to product: String, _ more: String) async throws -> String {
        let form = "product=\(product)&currency=eur&\(terms)\(more.isEmpty ? "" : "&\(more)")"
        return try await post("/v1/prices", form)["id"]?.text ?? ""
    }

    /// Adds a customer, of an account where one is named; later ones are younger.
    @discardableResult
    package func addCustomer(of account: String? = nil, _ more: String = "") async throws -> String {
        advance(bySeconds: 1)
        let metadata = account.map { "metadata[bus_account_id]=\($0)&" } ?? ""
        return try await post("/v1/customers", metadata + more)["id"]?.text ?? ""
    }
}
