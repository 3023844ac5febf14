import BusCore

extension WebhookDecision {
    /// Reads and maps one event of Stripe's list, which needs no signature: Stripe itself answered with it.
    package static func decide(
        listed document: JSONValue, rules: WebhookRules
    ) throws(StripeEventFault) -> WebhookDecision {
        let body = document.serialized()
        return try body.withUnsafeBufferPointer { (bytes) throws(StripeEventFault) in
            let event = try StripeEvent(body: UnsafeRawBufferPointer(bytes))
            let (outcome, ignoredFields) = SubscriptionMapper.map(event, rules: rules)
            return WebhookDecision(event: event, outcome: outcome, ignoredFields: ignoredFields)
        }
    }
}
