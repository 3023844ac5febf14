import BusContract
import BusCore
import BusLoops
import BusRuntime
import CoreMetrics
import Logging
import ServiceLifecycle
import Synchronization

/// Why a request got no response.
package enum RequestReplyFault: Error, Equatable, Sendable {
    /// The request was published and nobody answered in time.
    case timedOut
    /// The request was not published, or its responses could not be heard.
    case unavailable(reason: String)
    /// The process stops.
    case stopped
    /// Too many requests wait already.
    case tooMany
}

/// Asks by events: publishes a request once its responses are heard, and returns the response to the caller.
///
/// The correlation id alone identifies a response. Late responses and those for other processes are dropped and
/// counted (docs/contract/events.md, "Correlation").
package final class RequestReply: Service, Sendable {
    private let exchanges: [ExchangeRules]
    private let client: EventsClient
    private let features: KnownFeatures
    private let publisher: EventPublisher
    private let source: String
    private let settings: ListenerSettings
    private let readiness: Readiness
    private let logger: Logger
    private let pending: Mutex<PendingRequests>

    /// A requester for these exchanges.
    ///
    /// - Parameters:
    ///   - publisher: Publishes the requests; it must run beside this.
    ///   - source: The `source` of the requests, `bus-api-provider-billing`.
    ///   - pendingMax: Requests that may wait at once.
    package init(
        exchanges: [ExchangeRules], client: EventsClient, publisher: EventPublisher, source: String,
        settings: ListenerSettings, readiness: Readiness, logger: Logger,
        pendingMax: Int = Limits.pendingRequestsMax
    ) {
        self.exchanges = exchanges
        self.client = client
        features = KnownFeatures(client: client)
        self.publisher = publisher
        self.source = source
        self.settings = settings
        self.readiness = readiness
        self.logger = logger
        pending = Mutex(PendingRequests(countMax: pendingMax))
    }

    /// Requests that wait for their response.
    package var pendingCount: Int { pending.withLock { $0.count } }

    /// Publishes a request and reads its response.
    ///
    /// It throws `RequestReplyFault`, `ReplyFault`, or `CancellationError` when its task was cancelled.
    package func ask<Request, Response>(
        _ exchange: Exchange<Request, Response>, _ request: Request, metadata: [String: String],
        within timeout: Duration
    ) async throws -> Reply<Response> {
        try await checkThatTheServerKnows(exchange.rules)
        return try exchange.reply(
            try await call(exchange.request, request.payload, metadata: metadata, within: timeout))
    }

    /// Publishes a request and returns its response, which may carry an error.
    ///
    /// It throws `RequestReplyFault`, or `CancellationError` when its task was cancelled.
    package func call(
        _ name: EventName, _ payload: JSONText, metadata: [String: String] = [:], within timeout: Duration
    ) async throws -> EventEnvelope {
        guard let response = name.response, exchanges.contains(where: { $0.response == response }) else {
            throw RequestReplyFault.unavailable(reason: "nobody listens for responses to \(name)")
        }
        let id = UUIDText.random()
        var request = EventEnvelope(
            name: name, correlationID: id, source: source, metadata: metadata, payload: payload)
        request.trace = Trace.current
        let deadline = ContinuousClock.now + timeout
        async let _ = expire(id, at: deadline)
        let draft = EventDraft(request, idempotencyKey: RequestReply.key(of: id, at: .now))
        return try await exchange(id, draft, response, until: deadline)
    }

    /// The idempotency key of a request; the keys of one moment stand together in the log's index (docs/decisions/0039).
    private static func key(of id: String, at now: Timestamp) -> String {
        "request:\(String(now.nanoseconds / 1_000_000, radix: 16)):\(id)"
    }

    /// Hears responses until shutdown; throws `ProcessFailure` when the token is refused or the URL is wrong.
    package func run() async throws {
        for exchange in exchanges { readiness.set("stream \(exchange.response)", !settings.isRequired) }
        defer {
            for request in pending.withLock({ $0.stop() }) {
                request.waiter.resume(throwing: RequestReplyFault.stopped)
            }
        }
        try await withThrowingDiscardingTaskGroup { group in
            for exchange in exchanges { group.addTask { try await self.listen(exchange) } }
        }
    }

    // MARK: One request

    /// Asking a server that does not know the names would only wait in vain.
    private func checkThatTheServerKnows(_ rules: ExchangeRules) async throws {
        guard let feature = rules.feature else { return }
        let isKnown: Bool
        do { isKnown = try await features.contains(feature) } catch {
            throw RequestReplyFault.unavailable(reason: error.summary)
        }
        if isKnown { return }
        throw RequestReplyFault.unavailable(reason: "this Events API does not know \(rules.request)")
    }

    private func exchange(
        _ id: String, _ draft: EventDraft, _ response: EventName, until deadline: ContinuousClock.Instant
    ) async throws -> EventEnvelope {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { waiter in
                let request = PendingRequests.Request(draft: draft, response: response, waiter: waiter)
                // Looked at under the lock: an end that comes later finds the request.
                let result = pending.withLock { pending -> PendingRequests.AddResult? in
                    Task.isCancelled || .now >= deadline ? nil : pending.add(id, request)
                }
                switch result {
                case .publish: publish(id, draft)
                case .waits: break
                case .full: waiter.resume(throwing: RequestReplyFault.tooMany)
                case .stopped: waiter.resume(throwing: RequestReplyFault.stopped)
                case nil where Task.isCancelled: waiter.resume(throwing: CancellationError())
                case nil: waiter.resume(throwing: RequestReplyFault.timedOut)
                }
            }
        } onCancel: {
            end(id) { _ in CancellationError() }
        }
    }

    private func expire(_ id: String, at deadline: ContinuousClock.Instant) async {
        // Cancelled means that the request has ended.
        guard (try? await LoopTimer.sleep(for: deadline - .now)) != nil else { return }
        end(id) { request in
            request.isPublished
                ? RequestReplyFault.timedOut
                : .unavailable(reason: "the stream of \(request.response) is not open")
        }
    }

    private func publish(_ id: String, _ draft: EventDraft) {
        publisher.submit(draft) { fault in
            guard let fault else { return }
            self.end(id) { _ in RequestReplyFault.unavailable(reason: fault.summary) }
        }
    }

    private func end(_ id: String, _ fault: (PendingRequests.Request) -> any Error) {
        guard let request = pending.withLock({ $0.remove(id) }) else { return }
        request.waiter.resume(throwing: fault(request))
    }

    // MARK: Responses

    private func listen(_ exchange: ExchangeRules) async throws {
        let name = exchange.response
        let stream = StreamReopening(
            name: name, client: client, settings: settings, readiness: readiness, logger: logger,
            feature: exchange.feature)
        let dropped = Counter(label: "bus_responses_dropped_total", dimensions: [("event", name.text)])
        try await stream.run {
            defer { pending.withLock { $0.close(name) } }
            if exchange.feature != nil { _ = try await stream.featuresThatKnowTheName() }
            var query = StreamQuery(name: name)
            // What was answered while the stream was down is read again; the rest of the replay is dropped.
            query.replay = pending.withLock { $0.hasPublished(awaiting: name) }
            return try await stream.read(query) {
                for (id, draft) in pending.withLock({ $0.open(name) }) { publish(id, draft) }
            } _: { line in
                guard let event = stream.event(line) else { return false }
                if let id = event.correlationID, let request = pending.withLock({ $0.answer(id, event.name) }) {
                    request.waiter.resume(returning: event)
                } else {
                    dropped.increment()
                }
                return false
            }
        }
    }
}

extension EventsFault {
    /// The fault in words, for logs and callers.
    fileprivate var summary: String {
        switch self {
        case .refused(let status, _): "the Events API refused the request (\(status))"
        case .notFound: "there is no Events API at the URL"
        case .rejected(let status, _, let message): "the Events API rejected the request (\(status): \(message))"
        case .unavailable(let reason, _): reason
        }
    }
}
