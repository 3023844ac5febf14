import BusClient
import BusCore
import BusRuntime

/// A token that was just made, and what it opens.
struct IssuedToken {
    /// The token itself.
    ///
    /// No other command prints a secret.
    let text: String
    let lifetimeSeconds: Int64?
    /// RFC 3339.
    let expiresAt: String?
    let audience: String?
    let subject: String
    let scope: String?

    /// `{"access_token","token_type","expires_in","expires_at","audience","subject","scope"}`.
    var json: JSONText {
        JSONText { writer in
            writer.object { writer in
                writer.member("access_token", text)
                writer.member("token_type", "Bearer")
                if let lifetimeSeconds { writer.member("expires_in", lifetimeSeconds) }
                writer.member("expires_at", optional: expiresAt)
                writer.member("audience", optional: audience)
                writer.member("subject", subject)
                writer.member("scope", optional: scope)
            }
        }
    }
}

extension IssuedToken {
    /// Reads the auth API's answer.
    ///
    /// Whatever it leaves out is as ordered.
    init(_ answer: JSONText, of order: TokenClient.Order) throws(ProcessFailure) {
        let members = (try? answer.value()) ?? .null
        // A token with other bytes could carry what follows it into a file or a header.
        guard let text = members["access_token"]?.text, !text.isEmpty,
            text.utf8.allSatisfy({ (0x21...0x7E).contains($0) })
        else {
            throw ProcessFailure(exitCode: 1, "the auth API answered without a usable access_token; check --api-url")
        }
        self.init(
            text: text, lifetimeSeconds: members["expires_in"]?.integer, expiresAt: members["expires_at"]?.text,
            audience: members["audience"]?.text ?? order.audience, subject: members["subject"]?.text ?? order.subject,
            scope: members["scope"]?.text ?? order.scope)
    }
}
