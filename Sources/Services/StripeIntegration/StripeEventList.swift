import BusCore
import BusRuntime

/// The events this worker handles and emits (bus.md 4.2, `--events`).
package enum StripeEventList {
    /// Requests this worker answers.
    package static let handled: [EventName] = [
        .checkoutSessionCreateRequest, .portalSessionCreateRequest, .webhookVerifyRequest, .meterEventRecordRequest,
    ]

    /// Them and what it publishes.
    package static let list = EventList(
        module: StripeModule.name, handled: handled,
        emitted: handled.compactMap(\.response) + [.subscriptionUpdate])
}
