/// What became of one delivery, and the response to publish in the same step.
struct AcknowledgedDelivery: Sendable {
    let id: String
    let outcome: Acknowledgement
    /// Goes with `done` only, and only to servers that list the feature `reply`.
    var reply: EventDraft?
}

/// What became of a delivery (docs/contract/events.md, "Acknowledged delivery").
package enum Acknowledgement: Hashable, Sendable {
    /// Handled.
    case done
    /// To be delivered again; the code says why it failed.
    case retry(code: String)
    /// Never to be delivered again; the code says why.
    case dead(code: String)
    /// Never handled here: for another consumer, at once.
    case giveBack

    var word: String {
        switch self {
        case .done: "done"
        case .retry, .giveBack: "retry"
        case .dead: "dead"
        }
    }

    var code: String? {
        switch self {
        case .retry(let code), .dead(let code): code
        case .giveBack: "unhandled"
        case .done: nil
        }
    }
}
