import BusContract
import BusCore
import BusRuntime
import BusServer
import HTTPTypes
import Hummingbird
import HummingbirdCore
import NIOCore

/// Opens streams and writes them.
///
/// A stream holds one cursor and one page, so a slow reader delays only itself.
struct EventStreaming: Sendable {
    let log: EventLog
    let ledger: DeliveryLedger
    let wakeUps: WakeUps
    /// Time between blank lines on a silent stream.
    let keepAlive: Duration?
    var pace = ReplayPace()
    let slots = StreamSlots()

    /// The answer to a stream request whose query and scopes were checked; `owner` filters for user tokens.
    ///
    /// `connection` ends with its reader; nil for a reader in this process, whose end cancels the stream.
    func open(
        _ query: StreamRequest, subject: String, owner: String?, connection: RequestBody?
    ) async throws -> Response {
        if query.isProbe { return Response.ndjson { _ in } }
        let slot = try slots.take(for: subject)
        switch query.delivery {
        case .broadcast(let start):
            let subscription = wakeUps.subscribe(
                query.names.isEmpty ? [.appendedAny] : query.names.map { .appended($0) })
            // Subscribe first: an event appended after this read rings, and one appended before it is read.
            let newest = try await log.newest()
            let cursor = try await position(start, newest: newest, owner: owner)
            return respond(connection, slot, subscription, query) { line, writer in
                try await BroadcastStream(
                    log: log, selection: EventSelection(names: query.names, owner: owner),
                    last: query.follow ? .max : newest, isReplay: start != .now, pace: pace, line: line
                ).run(from: cursor, limit: query.limit ?? .max, &writer)
            }
        case .unicast(let terms):
            let group = DeliveryGroup(owner: owner, name: terms.group)
            let holder = "\(terms.consumer)#\(String(UInt64.random(in: .min ... .max), radix: 36))"
            let subscription = wakeUps.subscribe(
                [.holder(holder)] + query.names.flatMap { [.delivery(group, name: $0.text), .appended($0)] })
            let claim = ClaimRequest(
                group: group, names: query.names, holder: holder,
                leaseSeconds: terms.isManual ? terms.leaseSeconds : Limits.automaticLeaseSeconds,
                inFlightMax: terms.inFlightMax)
            return respond(connection, slot, subscription, query) { line, writer in
                try await UnicastStream(
                    ledger: ledger, claim: claim, isManual: terms.isManual, follow: query.follow, line: line
                ).run(limit: query.limit ?? .max, &writer)
            }
        }
    }

    private func position(_ start: StreamRequest.Start, newest: Int64, owner: String?) async throws -> Int64 {
        switch start {
        case .now: return newest
        case .oldest: return 0
        case .after(let id):
            if let position = try await log.position(after: id, owner: owner) { return position }
            let oldest = try await log.oldestID().map { "the oldest id kept is \($0)" } ?? "no event is kept"
            throw BusError(.gone, "the event is unknown or expired; \(oldest); start with replay=true")
        }
    }

    private func respond(
        _ connection: RequestBody?, _ slot: StreamSlots.Slot, _ subscription: WakeUps.Subscription,
        _ query: StreamRequest,
        _ run: @escaping @Sendable @concurrent (StreamLine, inout any ResponseBodyWriter) async throws -> Void
    ) -> Response {
        var response = Response.ndjson { writer in
            let line = StreamLine(subscription: subscription, keepAlive: keepAlive)
            defer { withExtendedLifetime(slot) {} }
            guard query.follow else { return try await run(line, &writer) }
            // A reader that left during a silence must not get the next delivery.
            if let connection {
                try await connection.consumeWithInboundCloseHandler { _ in
                    try await run(line, &writer)
                } onInboundClosed: {
                    subscription.signal.close()
                }
            } else {
                try await withTaskCancellationHandler {
                    try await run(line, &writer)
                } onCancel: {
                    subscription.signal.close()
                }
            }
        }
        // Watching for the reader's end uses up the connection, so the client must not send another request on it.
        if query.follow { response.headers[.connection] = "close" }
        return response
    }
}
