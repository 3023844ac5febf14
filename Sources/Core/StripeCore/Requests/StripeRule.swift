import BusContract
import BusCore

/// What Stripe adds to the rules of a field (docs/contract/stripe-requests.md, "Shared field rules").
enum StripeRule {
    /// An address to come back to.
    static func url(_ text: String?, _ name: String, _ mode: StripeMode) throws(BusError) -> String? {
        guard let text else { return nil }
        guard text.utf8.count <= Limits.urlBytesMax else {
            throw BusError(.invalidRequest, "\(name) must be at most \(Limits.urlBytesMax) bytes")
        }
        guard ReturnURL.isAllowed(text, mode: mode) else {
            throw BusError(
                .invalidRequest, "\(name) must be an absolute https URL; http is for local and private hosts")
        }
        return text
    }

    /// A customer; those of Accounts v2 are accounts and need other parameters.
    static func customer(_ id: String?) throws(BusError) {
        guard let id, id.hasPrefix("acct_") else { return }
        throw BusError(
            .invalidRequest,
            "provider_customer_id is a customer of Stripe's Accounts v2 (acct_), which are not supported; send a "
                + "customer (cus_)")
    }

    /// A value of Stripe metadata.
    static func metadata(_ text: String, _ name: String) throws(BusError) {
        guard text.count > Limits.stripeMetadataValueCharactersMax else { return }
        throw BusError(
            .invalidRequest, "\(name) must be at most \(Limits.stripeMetadataValueCharactersMax) characters; send less")
    }

    /// What the caller repeats a request with.
    static func key(_ key: String?, or requestID: String?) throws(BusError) -> String {
        if let key = key ?? requestID?.nonEmpty { return key }
        throw BusError(.invalidRequest, "idempotency_key is missing; send one, or a correlationId")
    }
}
