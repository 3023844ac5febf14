import BusCore
import NIOHTTP1

/// The part of the auth API that issues tokens to operators and services.
package struct TokenClient: Sendable {
    /// What the token should hold; the server fills in what is nil.
    package struct Order: Sendable {
        /// Whom it is for.
        package let subject: String
        /// Which APIs it opens.
        package let audience: String?
        /// Scopes with blanks between.
        package let scope: String?
        /// How long it is valid.
        package let lifetimeSeconds: Int64?

        /// An order.
        package init(subject: String, audience: String?, scope: String?, lifetimeSeconds: Int64?) {
            self.subject = subject
            self.audience = audience
            self.scope = scope
            self.lifetimeSeconds = lifetimeSeconds
        }
    }

    private let calls: APICalls

    /// A client that shows the internal key.
    package init(_ calls: APICalls) {
        self.calls = calls
    }

    /// Orders a token; the answer holds it.
    package func issue(_ order: Order) async throws(APIFault) -> JSONText {
        var documented: [String: JSONValue] = ["subject": .string(order.subject)]
        if let audience = order.audience { documented["audience"] = .string(audience) }
        if let scope = order.scope { documented["resources"] = .string(scope) }
        var members = documented
        // What older servers read in the place of `resources`.
        if let scope = order.scope { members["scope"] = .string(scope) }
        if let seconds = order.lifetimeSeconds { members["ttl_seconds"] = .integer(seconds) }
        do {
            return try await send(members)
        } catch .refused(let refusal) where refusal.status == 400 && members != documented {
            // Some servers refuse members that are not documented.
            return try await send(documented)
        }
    }

    private func send(_ members: [String: JSONValue]) async throws(APIFault) -> JSONText {
        try await calls.call(
            .POST, "/api/internal/auth/token", body: JSONValue.object(members).serialized()
        ).body
    }
}
