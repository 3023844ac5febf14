extension EventName {
    /// Asks for an account's standing.
    package static let billingStatusRequest = EventName(known: "bus.billing.status.request")
    /// Carries an account's standing.
    package static let billingStatusResponse = EventName(known: "bus.billing.status.response")
    /// Asks for a page to pay on.
    package static let billingCheckoutSessionRequest = EventName(known: "bus.billing.checkout_session.request")
    /// Carries the URL of a page to pay on.
    package static let billingCheckoutSessionResponse = EventName(known: "bus.billing.checkout_session.response")
    /// Asks for a page to manage billing on.
    package static let billingPortalSessionRequest = EventName(known: "bus.billing.portal_session.request")
    /// Carries the URL of a page to manage billing on.
    package static let billingPortalSessionResponse = EventName(known: "bus.billing.portal_session.response")
    /// Asks whether an account may use a feature.
    package static let entitlementCheckRequest = EventName(known: "bus.billing.entitlement.check.request")
    /// Says whether an account may use a feature.
    package static let entitlementCheckResponse = EventName(known: "bus.billing.entitlement.check.response")
}
