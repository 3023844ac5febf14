import BusCore
import BusRuntime
import Logging

/// A failed request as its response tells it: an error in the contract's words, and a payload unless it is the usual echo.
package struct RequestFailure: Error {
    /// What went wrong.
    package let error: BusError
    /// Nil for `{}` or the account the request was for (D-05).
    package let payload: JSONText?

    /// A failure and what its response carries.
    package init(_ error: BusError, payload: JSONText? = nil) {
        self.error = error
        self.payload = payload
    }
}

/// Gives every request its one response, also when it fails, and logs one line for it (bus.md 2.3, 4.2).
package struct EventResponder: Sendable {
    private let module: String
    private let subject: String
    private let logger: Logger
    private let classify: @Sendable (any Error) -> RequestFailure

    /// A responder of a worker.
    ///
    /// - Parameters:
    ///   - module: The `source` of its responses, `bus-integration-stripe`.
    ///   - subject: What its metadata and log lines begin with, `stripe`.
    ///   - classify: Turns what its handlers throw into the contract's words.
    package init(
        module: String, subject: String, logger: Logger, classify: @escaping @Sendable (any Error) -> RequestFailure
    ) {
        self.module = module
        self.subject = subject
        self.logger = logger
        self.classify = classify
    }

    /// The response to one request; `handle` gets the correlation id that the response will carry.
    package func answer(
        _ request: EventEnvelope, _ handle: (_ correlationID: String) async throws -> JSONText
    ) async -> EventEnvelope {
        let correlationID = correlationID(of: request)
        let started = ContinuousClock.now
        let result: Result<JSONText, RequestFailure>
        do {
            result = .success(try await handle(correlationID))
        } catch let failure as RequestFailure {
            result = .failure(failure)
        } catch {
            result = .failure(classify(error))
        }
        log(request, result, started.duration(to: .now))
        return response(to: request, correlationID, result)
    }

    /// The request's own id when it has none, a fresh one when it has neither (D-03).
    private func correlationID(of request: EventEnvelope) -> String {
        if let id = request.correlationID?.nonEmpty ?? request.id?.nonEmpty { return id }
        logger.warning("request without correlation id", metadata: ["event.name": "\(request.name)"])
        return UUIDText.random()
    }

    private func response(
        to request: EventEnvelope, _ correlationID: String, _ result: Result<JSONText, RequestFailure>
    ) -> EventEnvelope {
        let name = request.name.response ?? request.name
        switch result {
        case .success(let payload):
            return EventEnvelope(name: name, correlationID: correlationID, source: module, payload: payload)
        case .failure(let failure):
            return EventEnvelope(
                name: name, correlationID: correlationID, source: module,
                metadata: ["\(subject).retryable": failure.error.code.isRetryable ? "true" : "false"],
                payload: failure.payload ?? EventResponder.echo(of: request),
                error: EventError(
                    code: failure.error.code.rawValue, message: Redaction.redact(failure.error.message)))
        }
    }

    /// What a failed response carries: `{}`, or the account it was for (D-05).
    private static func echo(of request: EventEnvelope) -> JSONText {
        let payload = try? request.payload.value()  // A payload that is no JSON names no account.
        let account = payload?["account_id"]?.text.flatMap(UUIDText.normalized)
        return JSONText(.object(account.map { ["account_id": .string($0)] } ?? [:]))
    }

    private func log(_ request: EventEnvelope, _ result: Result<JSONText, RequestFailure>, _ duration: Duration) {
        var metadata: Logger.Metadata = [
            "event.name": "\(request.name)", "event.id": "\(request.id ?? "-")",
            "correlation.id": "\(request.correlationID ?? "-")",
            "duration_ms": "\(Int64(duration.inSeconds * 1_000))", "outcome": "ok",
        ]
        var level = Logger.Level.info
        if case .failure(let failure) = result {
            let error = failure.error
            metadata["outcome"] = "failed"
            metadata["error.type"] = "\(error.code.rawValue)"
            if error.code.isRetryable {
                level = .warning
                metadata["cause"] = "\(Redaction.redact(error.cause.map { String(describing: $0) } ?? error.message))"
            }
            if error.code == .internalError { level = .error }
        }
        logger.log(level: level, "\(subject) request answered", metadata: metadata)
    }
}
