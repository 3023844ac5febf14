/// What Stripe says when it does not do a call.
package struct WorldRefusal: Error, Hashable, Sendable {
    /// The HTTP status.
    package let status: Int
    /// `invalid_request_error` and the like.
    package let type: String
    /// Stripe's code, where it has one.
    package let code: String?
    /// The parameter at fault.
    package let param: String?
    /// For developers.
    package let message: String
    /// What a card network said.
    package let declineCode: String?
    /// `Stripe-Should-Retry: false` goes with it.
    package let forbidsRetry: Bool

    /// A refusal.
    package init(
        status: Int = 400, type: String = "invalid_request_error", code: String? = nil, param: String? = nil,
        declineCode: String? = nil, forbidsRetry: Bool = false, _ message: String
    ) {
        self.status = status
        self.type = type
        self.code = code
        self.param = param
        self.declineCode = declineCode
        self.forbidsRetry = forbidsRetry
        self.message = message
    }

    /// An id that names nothing: 404 in a path, 400 in a parameter.
    static func missing(_ kind: String, _ id: String, param: String? = nil) -> WorldRefusal {
        WorldRefusal(
            status: param == nil ? 404 : 400, code: "resource_missing", param: param ?? "id", "No such \(kind): '\(id)'"
        )
    }

    /// Parameters that the call does not have.
    static func unknown(_ names: [String]) -> WorldRefusal {
        let word = names.count == 1 ? "parameter" : "parameters"
        return WorldRefusal(
            code: "parameter_unknown", param: names[0], "Received unknown \(word): \(names.joined(separator: ", "))")
    }

    /// The error body.
    package func body(requestID: String, now: Int64) -> WorldJSON {
        var error: [WorldJSON.Member] = []
        func add(_ name: String, _ value: String?) {
            if let value { error.append(.init(name: name, value: .text(value))) }
        }
        add("code", code)
        add("decline_code", declineCode)
        add("doc_url", code.map { "https://stripe.com/docs/error-codes/\($0.replacing("_", with: "-"))" })
        add("message", message)
        add("param", param)
        add("request_log_url", "https://dashboard.stripe.com/test/logs/\(requestID)?t=\(now)")
        add("type", type)
        return ["error": .object(error)]
    }
}
