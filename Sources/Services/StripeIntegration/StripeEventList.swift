import BusCore
import BusRuntime

/// The events this worker handles and emits (`--events`).
package enum StripeEventList {
    /// Requests this worker answers.
    package static let handled: [EventName] = [
        .checkoutSessionCreateRequest, .portalSessionCreateRequest, .webhookVerifyRequest, .meterEventRecordRequest,
    ]

    /// These requests, their responses, and the update it publishes.
    package static let list = EventList(
        module: StripeModule.name, handled: handled,
        emitted: handled.compactMap(\.response) + [.subscriptionUpdate])
}
