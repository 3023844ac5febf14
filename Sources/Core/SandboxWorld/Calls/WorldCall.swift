/// One call of Stripe's API as the world hears it.
package struct WorldCall: Hashable, Sendable {
    /// The methods that Stripe's API has.
    package enum Method: String, CaseIterable, Sendable {
        case get = "GET"
        case post = "POST"
        case delete = "DELETE"
    }

    /// What the world reads of a call's head.
    package struct Headers: Hashable, Sendable {
        /// `Bearer sk_test_…`; nil when there is none.
        package var authorization: String?
        /// `Idempotency-Key`.
        package var idempotencyKey: String?
        /// `Stripe-Version`; the account's version counts without it.
        package var version: String?
        /// `Stripe-Account`, a connected account.
        package var account: String?

        /// A head.
        package init(
            authorization: String? = "Bearer sk_test_sandbox", idempotencyKey: String? = nil, version: String? = nil,
            account: String? = nil
        ) {
            self.authorization = authorization
            self.idempotencyKey = idempotencyKey
            self.version = version
            self.account = account
        }
    }

    /// How.
    package let method: Method
    /// The path with its escapes resolved, `/v1/prices/price_1`.
    package let path: String
    /// Of the query or of the body; nil when they cannot be read.
    package let parameters: ParameterTree?
    /// The head.
    package var headers: Headers

    /// A call.
    package init(
        _ method: Method, _ path: String, _ parameters: ParameterTree? = ParameterTree.none,
        headers: Headers = Headers()
    ) {
        self.method = method
        self.path = path
        self.parameters = parameters
        self.headers = headers
    }
}

/// What the world answers to a call.
package struct WorldReply: Hashable, Sendable {
    /// The HTTP status.
    package let status: Int
    /// Every header but the length, in the order to write them.
    package var headers: [(name: String, value: String)]
    /// The document, ready to write.
    package let body: [UInt8]
    /// What happens to the answer on its way.
    package var fault: WireFault?

    /// Equal when they look alike on the wire.
    package static func == (left: WorldReply, right: WorldReply) -> Bool {
        left.status == right.status && left.body == right.body && left.fault == right.fault
            && left.headers.elementsEqual(right.headers, by: ==)
    }

    /// Follows from what is compared.
    package func hash(into hasher: inout Hasher) {
        hasher.combine(status)
        hasher.combine(body)
    }
}

/// What the shell does to an answer; the world has done its part already, or was never asked.
package enum WireFault: Hashable, Sendable {
    /// The connection ends without an answer.
    case reset
    /// The answer waits so long.
    case slow(milliseconds: Int64)
    /// The answer is an error page of a proxy.
    case brokenJSON
}
