import BusCore

/// One event to publish; the key makes repeating it harmless.
package struct EventDraft: Sendable {
    /// The event.
    package let envelope: EventEnvelope
    /// 1–255 printable ASCII characters, or nil.
    package let idempotencyKey: String?

    /// A draft.
    package init(_ envelope: EventEnvelope, idempotencyKey: String? = nil) {
        self.envelope = envelope
        self.idempotencyKey = idempotencyKey
    }
}
