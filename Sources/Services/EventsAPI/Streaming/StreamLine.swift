import BusCore
import BusRuntime
import HummingbirdCore
import NIOCore

/// Waits for events and keeps a silent connection alive, for both kinds of stream.
struct StreamLine: Sendable {
    let subscription: WakeUps.Subscription
    let keepAlive: Duration?

    /// True when the reader went away or the server stops.
    var isClosed: Bool { subscription.signal.isClosed }

    /// Waits for something to read, at most until `deadline`; sends blank lines meanwhile when the deployment wants them.
    @concurrent
    func wait(atMost deadline: Duration?, _ writer: inout any ResponseBodyWriter) async throws {
        let limit = [deadline, keepAlive].compactMap(\.self).min()
        if await subscription.wait(atMost: limit), limit == keepAlive {
            try await writer.write(ByteBuffer(string: "\n"))
        }
        try Task.checkCancellation()
    }
}

/// Sends every event to the listener, page by page from the log.
struct BroadcastStream {
    let log: EventLog
    let selection: EventSelection
    let last: Int64
    /// It starts before the newest event.
    let isReplay: Bool
    let pace: ReplayPace
    let line: StreamLine

    @concurrent
    func run(from start: Int64, limit: Int, _ writer: inout any ResponseBodyWriter) async throws {
        var cursor = start
        var left = limit
        var isReplay = isReplay
        while !line.isClosed {
            let begun = ContinuousClock.now
            let page = try await log.page(
                of: selection, after: cursor, through: last, limit: left, isReplay: isReplay)
            isReplay = page.isCut
            if !page.events.isEmpty {
                var buffer = ByteBuffer()
                buffer.reserveCapacity(page.events.reduce(0) { $0 + $1.size + 1 })
                for case let envelope? in page.events.map(\.envelope) {
                    buffer.writeString(envelope)
                    buffer.writeInteger(UInt8(ascii: "\n"))
                }
                if buffer.readableBytes > 0 { try await writer.write(buffer) }
                cursor = page.cursor
                left -= page.events.count
            }
            if left <= 0 { return }
            if page.isCut {
                try await pace.rest(after: page.work, begunAt: begun)
                continue
            }
            if last < .max { return }
            try await line.wait(atMost: nil, &writer)
        }
    }
}

/// Sends deliveries of a group to one of its consumers.
///
/// Each is leased before it is written.
struct UnicastStream {
    let ledger: DeliveryLedger
    let claim: ClaimRequest
    let isManual: Bool
    let follow: Bool
    let line: StreamLine

    @concurrent
    func run(limit: Int, _ writer: inout any ResponseBodyWriter) async throws {
        var claim = claim
        var left = limit
        var looksFirst = true
        while !line.isClosed {
            claim.countMax = min(left, Limits.streamPageEventsMax)
            let claimed = try await ledger.claim(claim, looksFirst: looksFirst)
            if claimed.deliveries.isEmpty {
                if !follow { return }
            } else {
                try await write(claimed.deliveries, &writer)
                left -= claimed.deliveries.count
                if left <= 0 { return }
                // More may be there; and without acknowledgements, writing has made room.
                if claimed.isCut || !isManual || !follow {
                    looksFirst = !claimed.isCut
                    continue
                }
            }
            // Who found something last time will again. Who came too late looks before it takes the writer's time.
            looksFirst = claimed.deliveries.isEmpty
            let wait = claimed.nextAt.map { next in
                Duration.nanoseconds(max(0, next.nanoseconds - ledger.now().nanoseconds))
            }
            try await line.wait(atMost: wait, &writer)
        }
    }

    @concurrent
    private func write(_ deliveries: [Delivery], _ writer: inout any ResponseBodyWriter) async throws {
        let ids = deliveries.map(\.id)
        do {
            // The reader may have gone while the claim was committed.
            if line.isClosed { throw CancellationError() }
            try await writer.write(buffer(deliveries))
            if isManual { return }
            // The connection closed while the lines were written, so nobody knows whether they were read.
            if line.isClosed { throw CancellationError() }
        } catch {
            try await ledger.giveBack(ids, in: claim.group)
            throw error
        }
        try await ledger.finish(ids, in: claim.group)
    }

    private func buffer(_ deliveries: [Delivery]) -> ByteBuffer {
        var buffer = ByteBuffer()
        buffer.reserveCapacity(deliveries.reduce(0) { $0 + $1.envelope.utf8.count + 80 })
        for delivery in deliveries {
            buffer.writeString(delivery.envelope)
            if isManual {
                // Two members go in front of the closing brace of the stored line.
                buffer.moveWriterIndex(to: buffer.writerIndex - 1)
                buffer.writeString(#","deliveryId":"\#(delivery.id.text)","deliveryAttempt":\#(delivery.id.attempt)}"#)
            }
            buffer.writeInteger(UInt8(ascii: "\n"))
        }
        return buffer
    }
}
