import AsyncHTTPClient
import BusContract
import BusCore
import BusLoops
import BusRuntime
import Logging
import NIOCore
import NIOHTTP1

/// Why the Events API did not do what was asked.
package enum EventsFault: Error, Sendable {
    /// 401 or 403: repeating with this token does not help.
    case refused(status: Int, message: String)
    /// 404: the URL is wrong, or the server lacks the route.
    case notFound
    /// Another 4xx: the request itself is wrong.
    case rejected(status: Int, type: String, message: String)
    /// Connection trouble, 408, 425, 429, 5xx: the same call may succeed later.
    case unavailable(reason: String, retryAfterSeconds: Int?)
}

/// Calls to one Events API.
package struct EventsClient: Sendable {
    private let transport: any EventsTransport
    let endpoint: EventsEndpoint
    /// Our own token.
    package let tokens: TokenSource
    private let logger: Logger

    /// A client; the caller shuts an HTTP client down.
    package init(transport: any EventsTransport, endpoint: EventsEndpoint, tokens: TokenSource, logger: Logger) {
        self.transport = transport
        self.endpoint = endpoint
        self.tokens = tokens
        self.logger = logger
    }

    // MARK: Publishing

    /// Publishes one event and returns, once it is durable, what the server says of it.
    ///
    /// Servers answer any 2xx, which need not be JSON (docs/contract/events.md, "Publish").
    @discardableResult
    package func publish(_ draft: EventDraft, within timeout: Duration) async throws(EventsFault) -> [UInt8] {
        try await post(endpoint.collection, draft.envelope.encoded(), key: draft.idempotencyKey, within: timeout)
    }

    /// Publishes all events or none.
    package func publish(_ drafts: [EventDraft], within timeout: Duration) async throws(EventsFault) {
        var writer = JSONWriter(capacity: drafts.count * 640)
        writer.object { writer in
            writer.key("events")
            writer.array { writer in
                for draft in drafts {
                    draft.envelope.write(to: &writer) { $0.member("idempotencyKey", optional: draft.idempotencyKey) }
                }
            }
        }
        _ = try await post(endpoint.batch, writer.bytes, within: timeout)
    }

    // MARK: Streaming

    /// Opens a stream of one name and reads its body, which is NDJSON without an end.
    ///
    /// - Throws: `EventsFault` while it is not open, and what `read` throws.
    func stream<Value>(
        _ query: StreamQuery, _ read: (HTTPClientResponse.Body) async throws -> Value
    ) async throws -> Value {
        var request = HTTPClientRequest(url: endpoint.stream + "?" + query.text)
        request.headers.replaceOrAdd(name: "Accept", value: "application/x-ndjson")
        let unsigned = request
        let outcome: Result<Value, any Error> = try await authorized { token throws(EventsFault) in
            try await open(unsigned.authorized(by: token), read)
        }
        return try outcome.get()
    }

    /// What reading an open stream came to.
    private func open<Value>(
        _ request: HTTPClientRequest, _ read: (HTTPClientResponse.Body) async throws -> Value
    ) async throws(EventsFault) -> Result<Value, any Error> {
        var refusal: EventsFault?
        do {
            let timeout = Duration.seconds(Limits.streamOpenSeconds)
            return try await transport.stream(
                request, within: TimeAmount(timeout), logger: quiet
            ) { response -> Result<Value, any Error> in
                guard (200..<300).contains(response.status.code) else {
                    let answer = try await inTime(timeout, late: HTTPClientError.deadlineExceeded) {
                        await fault(of: response)
                    }
                    refusal = answer
                    throw answer
                }
                do { return .success(try await read(response.body)) } catch { return .failure(error) }
            }
        } catch {
            throw refusal ?? .unavailable(reason: ConnectionReason.text(error), retryAfterSeconds: nil)
        }
    }

    /// Says what became of deliveries; all of it counts, or nothing.
    func acknowledge(
        group: String, _ deliveries: [AcknowledgedDelivery], within timeout: Duration
    ) async throws(EventsFault) {
        try await postDeliveries(endpoint.acknowledge, group: group, within: timeout) { writer in
            for delivery in deliveries {
                writer.object { writer in
                    writer.member("id", delivery.id)
                    writer.member("outcome", delivery.outcome.word)
                    writer.member("code", optional: delivery.outcome.code)
                    guard let reply = delivery.reply else { return }
                    writer.key("reply")
                    reply.envelope.write(to: &writer) { $0.member("idempotencyKey", optional: reply.idempotencyKey) }
                }
            }
        }
    }

    /// Starts the leases of deliveries anew.
    package func extendLeases(
        group: String, deliveries: [String], within timeout: Duration
    ) async throws(EventsFault) {
        try await postDeliveries(endpoint.leases, group: group, within: timeout) { writer in
            for id in deliveries { writer.object { $0.member("id", id) } }
        }
    }

    private func postDeliveries(
        _ url: String, group: String, within timeout: Duration, _ deliveries: (inout JSONWriter) -> Void
    ) async throws(EventsFault) {
        let body = JSONText { writer in
            writer.object { writer in
                writer.member("group", group)
                writer.key("deliveries")
                writer.array(deliveries)
            }
        }
        _ = try await post(url, body.bytes, within: timeout)
    }

    /// The features of the server (docs/contract/events.md, "Capabilities"); empty when it lists none.
    ///
    /// - Throws: What may be over later, or ends the process. A server without the document has none of them.
    package func features() async throws(EventsFault) -> Set<EventsFeature> {
        let answer: [UInt8]
        do {
            answer = try await get(endpoint.capabilities, within: .seconds(Limits.capabilitiesSeconds))
        } catch {
            switch error {
            case .unavailable, .refused(status: 401, _): throw error
            case .refused, .notFound, .rejected: return []
            }
        }
        let features = (try? JSONValue(parsing: answer))?["features"]?.elements ?? []
        return Set(features.compactMap(\.text).compactMap(EventsFeature.init(rawValue:)))
    }

    /// Ends a process whose token may not do what the process is there for.
    func refusal(to action: AccessPolicy.Action, _ name: EventName, status: Int, message: String) -> ProcessFailure {
        let refused =
            switch action {
            case .send: "to publish \(name)"
            case .listen: "the stream of \(name)"
            }
        return ProcessFailure(
            exitCode: 1,
            "the Events API refused \(refused) (\(status): \(message)); the token of \(tokens.label) needs "
                + "\(AccessPolicy.scope(for: name, to: action))")
    }

    // MARK: HTTP

    func get(_ url: String, within timeout: Duration) async throws(EventsFault) -> [UInt8] {
        try await send(HTTPClientRequest(url: url), within: timeout)
    }

    func post(
        _ url: String, _ body: [UInt8], key: String? = nil, within timeout: Duration
    ) async throws(EventsFault) -> [UInt8] {
        var request = HTTPClientRequest(url: url)
        request.method = .POST
        request.headers.add(name: "Content-Type", value: "application/json")
        if let key { request.headers.add(name: "Idempotency-Key", value: key) }
        request.body = .bytes(ByteBuffer(bytes: body))
        return try await send(request, within: timeout)
    }

    private func send(_ request: HTTPClientRequest, within timeout: Duration) async throws(EventsFault) -> [UInt8] {
        let deadline = ContinuousClock.now + timeout
        return try await authorized { token throws(EventsFault) in
            try await answer(to: request.authorized(by: token), within: max(deadline - .now, .milliseconds(1)))
        }
    }

    /// Makes a call with our token, and again when the token was refused and its file holds a new one.
    private func authorized<Value>(
        _ call: (Secret) async throws(EventsFault) -> Value
    ) async throws(EventsFault) -> Value {
        var token = tokens.token(logger: logger)
        while true {
            do { return try await call(token) } catch .refused(status: 401, let message) {
                switch tokens.afterRefusal(of: token, logger: logger) {
                case .renewed(let fresh): token = fresh
                case .later:
                    throw .unavailable(
                        reason: "the token was refused and its file holds no new one yet",
                        retryAfterSeconds: Int(Limits.tokenReadIntervalSeconds))
                case .never: throw .refused(status: 401, message: message)
                }
            }
        }
    }

    private func answer(
        to request: HTTPClientRequest, within timeout: Duration
    ) async throws(EventsFault) -> [UInt8] {
        let answer: Result<[UInt8], EventsFault>
        do {
            answer = try await inTime(timeout, late: HTTPClientError.deadlineExceeded) {
                let response = try await transport.answer(to: request, within: TimeAmount(timeout), logger: quiet)
                guard (200..<300).contains(response.status.code) else { return .failure(await fault(of: response)) }
                let body = try await response.body.collect(upTo: Limits.apiResponseBytesMax)
                return .success(Array(body.readableBytesView))
            }
        } catch {
            throw .unavailable(reason: ConnectionReason.text(error), retryAfterSeconds: nil)
        }
        return try answer.get()
    }

    private func fault(of response: HTTPClientResponse) async -> EventsFault {
        let status = Int(response.status.code)
        // Without a readable body the status alone has to do.
        let body = try? await response.body.collect(upTo: Limits.apiResponseBytesMax)
        let refusal = APIFault.Refusal(status: status, body: body.map { Array($0.readableBytesView) } ?? [])
        switch status {
        case 401, 403: return .refused(status: status, message: refusal.message)
        case 404: return .notFound
        case 408, 425, 429, 500...:
            let retryAfter = response.headers.first(name: "Retry-After").flatMap { Int($0) }
            return .unavailable(reason: "\(status) \(refusal.type)", retryAfterSeconds: retryAfter)
        default: return .rejected(status: status, type: refusal.type, message: refusal.message)
        }
    }

    /// The HTTP client tells each connection's story at debug level; ours begins at warnings.
    private var quiet: Logger {
        var quiet = logger
        quiet.logLevel = max(logger.logLevel, .warning)
        return quiet
    }
}

extension HTTPClientRequest {
    fileprivate func authorized(by token: Secret) -> HTTPClientRequest {
        var request = self
        request.headers.replaceOrAdd(name: "Authorization", value: "Bearer \(token.reveal())")
        return request
    }
}

/// The query of one stream (docs/contract/events.md, "Streams").
struct StreamQuery {
    var name: EventName
    var group: String?
    var consumer: String?
    var replay = false
    var follow = true
    /// Starts after this event, on servers that can.
    var afterID: String?
    /// How deliveries wait for an acknowledgement; nil where the server does not know that.
    var lease: Lease?

    /// What a listener holds until it acknowledges.
    struct Lease {
        let seconds: Int
        /// Most deliveries at once.
        let heldMax: Int
    }

    var text: String {
        var pairs = ["name=\(name)"]
        if let group, let consumer { pairs += ["delivery=unicast", "group=\(group)", "consumer=\(consumer)"] }
        if replay { pairs.append("replay=true") }
        if !follow { pairs.append("follow=false") }
        if let afterID { pairs.append("after_id=\(afterID)") }
        if let lease { pairs += ["ack=manual", "lease=\(lease.seconds)", "max_in_flight=\(lease.heldMax)"] }
        return pairs.joined(separator: "&")
    }
}
