import BusCore

extension Exchange {
    /// The event that asks.
    package func ask(_ request: Request, correlationID: String, source: String) -> EventEnvelope {
        EventEnvelope(
            name: self.request, correlationID: correlationID, source: source, payload: request.payload)
    }

    /// Reads a request that may be carried out.
    ///
    /// Whoever may not ask is refused before anything of it is read.
    package func read(_ event: EventEnvelope, from callers: CallerPolicy) throws(BusError) -> Request {
        if rules.asker == .services, !callers.trusts(event.owner) {
            throw BusError(
                .forbiddenAccount,
                "only services of this deployment may publish \(event.name); list the subject in "
                    + "BUS_TRUSTED_SERVICE_SUBJECTS if it is one")
        }
        do throws(FieldFault) {
            let reader = try MessageReader(event.payload, publishedAt: event.timestamp)
            if let provider = rules.provider, let named = try reader.value("provider", .text), named != provider.text {
                throw FieldFault(
                    code: .unsupportedProvider,
                    message: "provider is not \(provider); send it to that provider's own worker")
            }
            return try Request(from: reader)
        } catch {
            throw BusError(error)
        }
    }

    /// The event that answers (docs/contract/events.md, "Error object").
    package func respond(
        with outcome: Outcome<Response>, to request: EventEnvelope, correlationID: String, from module: BusModule
    ) -> EventEnvelope {
        switch outcome {
        case .answer(let answer):
            EventEnvelope(name: response, correlationID: correlationID, source: module.name, payload: answer.payload)
        case .refuse(let error, let answer), .tryAgain(let error, let answer):
            EventEnvelope(
                name: response, correlationID: correlationID, source: module.name,
                metadata: ["\(module.subject).retryable": error.isRetryable ? "true" : "false"],
                payload: (answer ?? failed)?.payload ?? request.refusal(advising: error.command),
                error: EventError(code: error.type, message: Redaction.redact(error.message)))
        }
    }

    /// Reads the event that answers.
    package func reply(_ event: EventEnvelope) throws(ReplyFault) -> Reply<Response> {
        if let error = event.error { throw .refused(ReplyRefusal(error, event)) }
        do {
            return Reply(answer: try Response(event.payload), payload: event.payload)
        } catch {
            throw .unreadable(error)
        }
    }
}

/// A response, read and as it came: a later release may say more than this one reads.
package struct Reply<Response: Message>: Sendable {
    /// The response.
    package let answer: Response
    /// Its payload, unknown members included.
    package let payload: JSONText

    /// A response that was read from a payload.
    package init(answer: Response, payload: JSONText) {
        self.answer = answer
        self.payload = payload
    }
}

/// Why a response answers nothing.
package enum ReplyFault: Error, Hashable, Sendable {
    /// The worker said no.
    case refused(ReplyRefusal)
    /// The payload is not this exchange's response.
    case unreadable(FieldFault)
}

/// A worker's error as its response carried it.
package struct ReplyRefusal: Hashable, Sendable {
    /// Nil for a code of another release or program.
    package let code: ErrorCode?
    /// The code's word, which goes on as it came.
    package let word: String
    /// Human text.
    package let message: String
    /// The same request may succeed later.
    package let isRetryable: Bool
    /// What a person can type to get further.
    package let command: String?

    /// Reads an error of a response, and what stands beside it.
    package init(_ error: EventError, _ response: EventEnvelope) {
        code = ErrorCode(rawValue: error.code)
        word = error.code
        message = error.message
        isRetryable = response.metadata.contains { $0.key.hasSuffix(".retryable") && $0.value == "true" }
        command = (try? response.payload.value())?["command"]?.text
    }
}

extension EventEnvelope {
    /// What a failed response carries when its exchange has nothing of its own: the account it was for, and the command
    /// that helps.
    fileprivate func refusal(advising command: String?) -> JSONText {
        var members: [String: JSONValue] = [:]
        // A payload that is not an object names no account.
        members["account_id"] = (try? MessageReader(payload)).flatMap { try? $0.accountID() }.map { .string($0) }
        members["command"] = command.map { .string($0) }
        return JSONText(.object(members))
    }
}
