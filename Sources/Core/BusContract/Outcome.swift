import BusCore

/// What a handler makes of a request.
package enum Outcome<Response: Message>: Sendable {
    /// Done.
    case answer(Response)
    /// Not done; the error says whether asking again helps. Some refusals carry a payload of their own.
    case refuse(BusError, Response? = nil)

    /// Runs a handler's work; `classify` gives what it throws the contract's words.
    package static func of(
        classify: (any Error) -> BusError, _ work: () async throws -> Response
    ) async -> Outcome {
        do { return .answer(try await work()) } catch { return .refuse(classify(error)) }
    }

    /// What went wrong, if anything.
    package var error: BusError? {
        switch self {
        case .answer: nil
        case .refuse(let error, _): error
        }
    }
}

/// Who asks, and when.
package struct Caller: Hashable, Sendable {
    /// The stamped owner of the request.
    package let owner: String?
    /// The module that published it.
    package let source: String?
    /// The request's event id; a repetition carries it again.
    package let eventID: String?
    /// What the response will carry.
    package let correlationID: String
    /// The moment of handling.
    package let now: Timestamp

    /// The caller of a request.
    package init(owner: String?, source: String?, eventID: String?, correlationID: String, now: Timestamp) {
        self.owner = owner
        self.source = source
        self.eventID = eventID
        self.correlationID = correlationID
        self.now = now
    }
}
