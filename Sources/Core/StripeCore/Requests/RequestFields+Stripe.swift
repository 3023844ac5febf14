import BusCore

extension RequestFields {
    /// Reads a payload for Stripe; another provider's is refused.
    init(forStripe payload: JSONText) throws(RequestFault) {
        try self.init(payload)
        if let provider = try text("provider"), provider != "stripe" {
            throw RequestFault(
                code: .unsupportedProvider, message: "provider is not stripe; send it to that provider's own worker")
        }
    }

    /// An address to come back to.
    func url(_ name: String, mode: StripeMode) throws(RequestFault) -> String? {
        guard let text = try text(name) else { return nil }
        guard text.utf8.count <= Limits.urlBytesMax else {
            throw .invalid("\(name) must be at most \(Limits.urlBytesMax) bytes")
        }
        guard ReturnURL.isAllowed(text, mode: mode) else {
            throw .invalid("\(name) must be an absolute https URL; http is for local and private hosts")
        }
        return text
    }

    /// A value of Stripe metadata.
    func metadataText(_ name: String) throws(RequestFault) -> String? {
        guard let text = try text(name) else { return nil }
        guard text.count <= Limits.stripeMetadataValueCharactersMax else {
            throw .invalid("\(name) must be at most \(Limits.stripeMetadataValueCharactersMax) characters")
        }
        return text
    }
}
