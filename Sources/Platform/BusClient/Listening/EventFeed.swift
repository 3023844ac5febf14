import AsyncHTTPClient
import BusContract
import BusCore
import Logging
import NIOCore

/// The events of one name for a person or a script to read: opened again whenever an open stream ends.
package struct EventFeed: Sendable {
    private let client: EventsClient
    private let query: StreamQuery
    private let backoff: Backoff?
    private let logger: Logger

    /// A feed of one name; without a backoff a stream that ends is not opened again.
    ///
    /// - Parameters:
    ///   - sharing: Group and consumer of a unicast stream; nil is broadcast.
    ///   - replays: Stored events first.
    ///   - follows: Go on with live events.
    package init(
        client: EventsClient, name: EventName, sharing: (group: String, consumer: String)?, replays: Bool,
        follows: Bool, backoff: Backoff?, logger: Logger
    ) {
        self.client = client
        query = StreamQuery(
            name: name, group: sharing?.group, consumer: sharing?.consumer, replay: replays, follow: follows)
        self.backoff = backoff
        self.logger = logger
    }

    /// Hands every line and its event to `take` until the stream ends for good, or `take` throws.
    ///
    /// A server that was never reached is an error; one that goes away is waited for.
    package func run(_ take: ([UInt8], EventEnvelope) throws -> Void) async throws {
        var query = query
        var lastID: String?
        var failures = 0
        var wasOpen = false
        while true {
            let started = ContinuousClock.now
            var pause = Duration.zero
            do {
                let isWhole = try await client.stream(query) { body in
                    wasOpen = true
                    logger.debug("stream open", metadata: ["event.name": "\(query.name)"])
                    return try await read(body, &lastID, take)
                }
                if !query.follow, isWhole { return }
                guard query.follow, backoff != nil else {
                    throw EventsFault.unavailable(reason: "the stream ended early", retryAfterSeconds: nil)
                }
                logger.info("the stream ended; opening it again")
            } catch EventsFault.unavailable(let reason, let retryAfterSeconds)
                where wasOpen && query.follow && backoff != nil
            {
                logger.warning("the Events API is away; trying again", metadata: ["cause": "\(reason)"])
                pause = .seconds(min(retryAfterSeconds ?? 0, 60))
            } catch EventsFault.rejected(410, _, _) where query.afterID != nil {
                logger.warning("events were deleted while the stream was down; going on with new ones")
                lastID = nil
            }
            failures = ContinuousClock.now - started > .seconds(60) ? 1 : failures + 1
            let wait = backoff?.delay(afterFailures: failures, random: .random(in: 0..<1)) ?? .zero
            try await ContinuousClock().sleep(for: max(wait, pause))
            await prepare(&query, after: lastID)
        }
    }

    /// What to ask for after a break: replaying again would show everything twice.
    private func prepare(_ query: inout StreamQuery, after lastID: String?) async {
        query.replay = false
        query.afterID = nil
        guard query.group == nil, let lastID else { return }
        let features = (try? await client.features()) ?? []
        if features.contains(.resume) {
            query.afterID = lastID
        } else {
            logger.warning("this server cannot resume; events published while the stream was down are not shown")
        }
    }

    /// Reads until the stream ends; false when its connection broke.
    private func read(
        _ body: HTTPClientResponse.Body, _ lastID: inout String?, _ take: ([UInt8], EventEnvelope) throws -> Void
    ) async throws -> Bool {
        var lines = NDJSONLines()
        var chunks = body.makeAsyncIterator()
        while true {
            let chunk: ByteBuffer?
            do { chunk = try await chunks.next() } catch {
                try Task.checkCancellation()
                logger.debug("the stream broke", metadata: ["cause": "\(error)"])
                return false
            }
            guard let chunk else { return true }
            for line in try lines.lines(in: chunk) {
                guard let event = try? EventEnvelope(decoding: line) else {
                    logger.warning("a line that is not an event was skipped")
                    continue
                }
                lastID = event.id ?? lastID
                try take(line, event)
            }
        }
    }
}
