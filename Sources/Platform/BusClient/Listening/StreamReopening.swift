import AsyncHTTPClient
import BusContract
import BusCore
import BusRuntime
import Logging
import ServiceLifecycle

/// The stream of one name, opened again as long as that can help.
struct StreamReopening {
    let name: EventName
    let client: EventsClient
    let settings: ListenerSettings
    let readiness: Readiness
    let logger: Logger
    /// What the server must list before it knows the name; nil for a name that every server knows.
    let feature: EventsFeature?

    /// Runs connection after connection until shutdown, or until one returns true.
    func run(_ connection: () async throws -> Bool) async throws {
        var failures = 0
        while !isStopping {
            let opened = ContinuousClock.now
            do {
                if try await connection() { return }
                logger.info("stream ended", metadata: ["event.name": "\(name)"])
            } catch let fault as EventsFault {
                if isStopping { return }
                try await judge(fault)
            } catch is CancellationError {
                return
            } catch {
                logger.warning("stream broke", metadata: ["event.name": "\(name)", "cause": "\(error)"])
            }
            if isStopping { return }
            readiness.set("stream \(name)", !settings.isRequired)
            guard settings.retries else {
                throw ProcessFailure(
                    exitCode: 1, "the stream of \(name) ended and BUS_EVENTS_LISTENER_RETRY is off; start again")
            }
            failures = ContinuousClock.now - opened > .seconds(60) ? 1 : failures + 1
            await wait(settings.backoff.delay(afterFailures: failures, random: .random(in: 0..<1)))
        }
    }

    /// The features of the server once it knows the name.
    ///
    /// A server that does not know the name sends no event of it and refuses the stream, so it is asked again until
    /// another one takes its place. Guessing instead would leave a whole connection, days perhaps, without
    /// acknowledgements.
    func featuresThatKnowTheName() async throws -> Set<EventsFeature> {
        while true {
            let features = try await client.features()
            guard let feature, !features.contains(feature) else { return features }
            readiness.set("stream \(name)", true)
            try await cancelWhenGracefulShutdown {
                try await ContinuousClock().sleep(for: .seconds(Limits.capabilitiesKnownSeconds))
            }
        }
    }

    /// Reads one connection line by line to its end; true as soon as `take` returns true.
    ///
    /// Reading stops at once on shutdown.
    func read(
        _ query: StreamQuery, onOpen: () -> Void = {}, _ take: ([UInt8]) async throws -> Bool
    ) async throws -> Bool {
        try await client.stream(query) { body in
            readiness.set("stream \(name)", true)
            logger.info("stream open", metadata: ["event.name": "\(name)"])
            onOpen()
            var lines = NDJSONLines()
            for try await chunk in body.cancelOnGracefulShutdown() {
                for line in try lines.lines(in: chunk) {
                    if try await take(line) { return true }
                }
            }
            return false
        }
    }

    /// The event of a line; an unreadable one is skipped with a warning.
    ///
    /// `more` may read a member beside the event.
    func event(
        _ line: [UInt8], more: (JSONKey, inout JSONReader) throws(JSONFault) -> Bool = { _, _ in false }
    ) -> EventEnvelope? {
        do { return try EventEnvelope(decoding: line, more: more) } catch {
            logger.warning("unreadable line skipped", metadata: ["event.name": "\(name)", "cause": "\(error)"])
            return nil
        }
    }

    private var isStopping: Bool { Task.isCancelled || Task.isShuttingDownGracefully }

    private func wait(_ pause: Duration) async {
        // Cancelled means shutdown, which the loop's condition sees.
        try? await cancelWhenGracefulShutdown { try await ContinuousClock().sleep(for: pause) }
    }

    /// Decides whether reopening can help.
    private func judge(_ fault: EventsFault) async throws {
        switch fault {
        case .refused(let status, let message):
            throw client.refusal(to: .listen, name, status: status, message: message)
        case .notFound:
            throw ProcessFailure(
                exitCode: 1, "nothing at BUS_EVENTS_API_URL answers as an Events API; check the URL and its prefix")
        case .rejected(let status, _, let message):
            throw ProcessFailure(
                exitCode: 1, "the Events API rejected the stream of \(name) (\(status): \(message)); check the settings"
            )
        case .unavailable(let reason, let retryAfterSeconds):
            logger.warning(
                "events server unavailable", metadata: ["event.name": "\(name)", "cause": "\(reason)"])
            if let seconds = retryAfterSeconds, settings.retries { await wait(.seconds(min(seconds, 60))) }
        }
    }
}
