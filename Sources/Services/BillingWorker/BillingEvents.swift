import BusCore
import BusRuntime

/// The events this worker handles and emits (bus.md 4.2, 6).
package enum BillingEvents {
    /// The module's name.
    package static let module = "bus-integration-billing"

    /// Requests this worker answers.
    package static let handled: [EventName] = [
        .billingStatusRequest, .billingCheckoutSessionRequest, .billingPortalSessionRequest, .entitlementCheckRequest,
        .subscriptionUpdate, .usageExportRequest,
    ]

    /// Those that are idempotent and must not be lost (D-24).
    package static let neverLost: Set<EventName> = [.subscriptionUpdate, .usageExportRequest]

    /// What is handled, and what is published with a payment company of this label.
    package static func list(provider label: String?) -> EventList {
        let names = ProviderEventNames(label: label ?? "stripe")
        return EventList(
            module: module, handled: handled,
            emitted: handled.compactMap(\.response) + (names.map { [$0.checkout, $0.portal, $0.meter] } ?? []))
    }
}
