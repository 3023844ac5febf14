import BusCore

/// Customers, prices by id and Checkout Sessions.
extension StripeWorld {
    // MARK: Customers

    mutating func customer(_ form: [String: String]) -> Reply {
        let account = form["metadata[bus_account_id]"] ?? ""
        let id = "cus_test_\(customers.values.joined().count + madeCustomers.values.joined().count + 1)"
        madeCustomers[account, default: []].append(id)
        emails[id] = form["email"]
        return Reply(body: #"{"id":"\#(id)","object":"customer","livemode":\#(catalog.isLive)}"#)
    }

    /// One customer, read or given an address.
    mutating func customer(at path: String, _ form: [String: String]) -> Reply {
        let id = String(path.dropFirst("/v1/customers/".count))
        if missing.contains(id) { return Reply(body: #"{"id":"\#(id)","object":"customer","deleted":true}"#) }
        if let email = form["email"] { emails[id] = email }
        return Reply(body: #"{"id":"\#(id)","object":"customer","livemode":\#(catalog.isLive)}"#)
    }

    /// Newest first, as Stripe lists: the oldest is the last.
    func search(_ query: String) -> [String] {
        let account = query.split(separator: "'").last.map(String.init) ?? ""
        let found = (customers[account] ?? []) + (searchLags ? [] : madeCustomers[account] ?? [])
        return found.enumerated().reversed().map { index, id in
            #"{"id":"\#(id)","object":"customer","created":\#(1000 + index),"#
                + #""metadata":{"bus_account_id":"\#(account)"}}"#
        }
    }

    /// The refusal of a call for a customer that is gone.
    func goneCustomer(_ form: [String: String]) -> Reply? {
        guard let id = form["customer"], missing.contains(id) else { return nil }
        return .error(
            400, "invalid_request_error", "No such customer: '\(id)'", code: "resource_missing", param: "customer")
    }

    // MARK: Prices

    func price(_ path: String) -> Reply {
        let id = String(path.dropFirst("/v1/prices/".count))
        if missing.contains(id) {
            return .error(
                404, "invalid_request_error", "No such price: '\(id)'", code: "resource_missing", param: "price")
        }
        let usage = isMetered(id) ? "metered" : "licensed"
        return Reply(body: #"{"id":"\#(id)","object":"price","recurring":{"usage_type":"\#(usage)"}}"#)
    }

    private func isMetered(_ id: String) -> Bool {
        let synced = catalog.objects[StripeCatalogModel.prices]?.first { $0["id"] == .string(id) }
        return prices.values.contains { $0.id == id && $0.isMetered }
            || synced?["recurring"]?["usage_type"] == .string("metered")
    }

    // MARK: Checkout Sessions

    mutating func checkout(_ form: [String: String]) -> Reply {
        if let gone = goneCustomer(form) { return gone }
        for line in 0... {
            guard let price = form["line_items[\(line)][price]"] else { break }
            let quantity = form["line_items[\(line)][quantity]"]
            if missing.contains(price) {
                return .error(
                    400, "invalid_request_error", "No such price: '\(price)'", code: "resource_missing",
                    param: "line_items[\(line)][price]")
            }
            if isMetered(price), quantity != nil {
                return .error(
                    400, "invalid_request_error",
                    "Quantity should not be specified where usage_type is `metered`. Remove `quantity` from …")
            }
            if !isMetered(price), quantity == nil {
                return .error(400, "invalid_request_error", "Quantity is required. Add `quantity` to …")
            }
        }
        checkouts.append(form)
        return session("cs_test_\(sessionCount + 1)", "checkout.session", form)
    }

    func checkout(at path: String) -> Reply {
        let id = String(path.dropFirst("/v1/checkout/sessions/".count))
        let status = endedSessions[id]
        let url = status == nil ? #""https://pages.example/\#(id)#fid""# : "null"
        return Reply(
            body: #"{"id":"\#(id)","object":"checkout.session","status":"\#(status ?? "open")","url":\#(url),"#
                + #""expires_at":1785686400,"livemode":false}"#)
    }
}
