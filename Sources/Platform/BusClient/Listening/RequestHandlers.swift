import BusContract
import BusCore
import BusRuntime
import Logging

/// The handlers of a module: each request gets exactly one response, also when it fails, and one log line.
package struct RequestHandlers: Sendable {
    /// The module that answers.
    package let module: BusModule
    /// What it answers, in the order of `answer`.
    package private(set) var exchanges: [ExchangeRules] = []
    private var handlers: [EventName: Handler] = [:]
    private let callers: CallerPolicy
    private let logger: Logger

    private typealias Handler = @Sendable (EventEnvelope, Caller) async -> HandledRequest

    /// A module without handlers.
    package init(_ module: BusModule, callers: CallerPolicy, logger: Logger) {
        self.module = module
        self.callers = callers
        self.logger = logger
    }

    /// Adds the handler of an exchange.
    ///
    /// A request that nobody may make or read is refused before it.
    package mutating func answer<Request, Response>(
        _ exchange: Exchange<Request, Response>,
        _ handle: @escaping @Sendable (Request, Caller) async -> Outcome<Response>
    ) {
        exchanges.append(exchange.rules)
        handlers[exchange.request] = { [module, callers] event, caller in
            let outcome: Outcome<Response>
            do throws(BusError) {
                outcome = await handle(try exchange.read(event, from: callers), caller)
            } catch {
                outcome = .refuse(error)
            }
            var response = exchange.respond(
                with: outcome, to: event, correlationID: caller.correlationID, from: module)
            response.trace = Trace.current
            return HandledRequest(response: response, error: outcome.error)
        }
    }

    /// The rules of a request; nil for a name that nobody here answers.
    package func rules(of name: EventName) -> ExchangeRules? {
        exchanges.first { $0.request == name }
    }

    /// Handles one request; nil for a name that nobody here answers.
    ///
    /// - Parameter isFirst: Nobody can have handled it before.
    package func respond(
        to request: EventEnvelope, isFirst: Bool = true, at now: Timestamp
    ) async -> HandledRequest? {
        guard let handler = handlers[request.name] else { return nil }
        let started = ContinuousClock.now
        let caller = Caller(
            owner: request.owner, source: request.source, eventID: request.id,
            correlationID: correlationID(of: request), publishedAt: request.timestamp,
            isFirst: isFirst, now: now)
        let handled = await handler(request, caller)
        log(request, handled.error, started.duration(to: .now))
        return handled
    }

    /// The request's own id when it has no correlation id, a fresh one when it has neither.
    private func correlationID(of request: EventEnvelope) -> String {
        if let id = request.correlationID?.nonEmpty ?? request.id?.nonEmpty { return id }
        logger.warning("request without correlation id", metadata: ["event.name": "\(request.name)"])
        return UUIDText.random()
    }

    private func log(_ request: EventEnvelope, _ error: BusError?, _ duration: Duration) {
        // Queries are many, and the event log tells of those that hold something.
        var level = rules(of: request.name)?.delivery == .query ? Logger.Level.debug : .info
        if error == nil, logger.logLevel > level { return }
        var metadata: Logger.Metadata = [
            "event.name": .string(request.name.text), "event.id": .string(request.id ?? "-"),
            "correlation.id": .string(request.correlationID ?? "-"),
            "duration_ms": .string(String(Int64(duration.inSeconds * 1_000))), "outcome": "ok",
        ]
        if let error {
            level = .info
            metadata["outcome"] = "failed"
            metadata["error.type"] = "\(error.type)"
            if error.isRetryable {
                level = .warning
                metadata["cause"] = "\(Redaction.redact(error.cause.map { String(describing: $0) } ?? error.message))"
            }
            if error.code == .internalError { level = .error }
        }
        logger.log(level: level, "\(module.subject) request answered", metadata: metadata)
    }
}

/// A response, and what went wrong on the way to it.
package struct HandledRequest: Sendable {
    /// The event to publish.
    package let response: EventEnvelope
    /// Nil for an answer.
    package let error: BusError?
}
