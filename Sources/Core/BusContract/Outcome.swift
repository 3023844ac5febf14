import BusCore

/// What a handler makes of a request.
package enum Outcome<Response: Message>: Sendable {
    /// Done.
    case answer(Response)
    /// Not done, and asking the same again changes nothing. Some refusals carry a payload of their own.
    case refuse(BusError, Response? = nil)
    /// Not done; the same request may succeed later.
    case tryAgain(BusError, Response? = nil)

    /// Sorts an error by what its code says about asking again.
    package init(_ error: BusError, _ response: Response? = nil) {
        self = error.isRetryable ? .tryAgain(error, response) : .refuse(error, response)
    }

    /// Runs a handler's work; `classify` gives what it throws the contract's words.
    package static func of(
        classify: (any Error) -> BusError, _ work: () async throws -> Response
    ) async -> Outcome {
        do { return .answer(try await work()) } catch { return Outcome(classify(error)) }
    }

    /// What went wrong, if anything.
    package var error: BusError? {
        switch self {
        case .answer: nil
        case .refuse(let error, _), .tryAgain(let error, _): error
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
    /// When the request was published; nil when its server does not say.
    package let publishedAt: Timestamp?
    /// Nobody can have carried it out before.
    package let isFirst: Bool
    /// The moment of handling.
    package let now: Timestamp

    /// The caller of a request.
    package init(
        owner: String?, source: String?, eventID: String?, correlationID: String, publishedAt: Timestamp?,
        isFirst: Bool, now: Timestamp
    ) {
        self.owner = owner
        self.source = source
        self.eventID = eventID
        self.correlationID = correlationID
        self.publishedAt = publishedAt
        self.isFirst = isFirst
        self.now = now
    }
}
