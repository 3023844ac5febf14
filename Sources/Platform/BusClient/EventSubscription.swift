import AsyncHTTPClient
import BusCore
import BusRuntime
import Logging
import ServiceLifecycle

/// One stream of one name, reopened as long as that can help (bus.md D-22).
struct EventSubscription {
    let name: EventName
    let worker: EventWorker

    /// Streams until shutdown, or until one event with `--once`; handlers outlive the connection their event came on.
    func run() async throws {
        try await withThrowingDiscardingTaskGroup { try await reopen(handlers: &$0) }
    }

    private func reopen(handlers: inout ThrowingDiscardingTaskGroup<any Error>) async throws {
        var failures = 0
        while !isStopping {
            let opened = ContinuousClock.now
            do {
                if try await stream(to: &handlers), worker.settings.handlesOnce { return }
                worker.logger.info("stream ended", metadata: ["event.name": "\(name)"])
            } catch let fault as EventsFault {
                if isStopping { return }
                try await judge(fault)
            } catch is CancellationError {
                return
            } catch {
                worker.logger.warning("stream broke", metadata: ["event.name": "\(name)", "cause": "\(error)"])
            }
            if isStopping { return }
            worker.readiness.set("stream \(name)", !worker.settings.listenersRequired)
            guard worker.settings.retries else {
                throw ProcessFailure(
                    exitCode: 1, "the stream of \(name) ended and BUS_EVENTS_LISTENER_RETRY is off; start again")
            }
            failures = ContinuousClock.now - opened > .seconds(60) ? 1 : failures + 1
            await wait(worker.settings.backoff.delay(afterFailures: failures, random: .random(in: 0..<1)))
        }
    }

    private var isStopping: Bool { Task.isCancelled || Task.isShuttingDownGracefully }

    private func wait(_ pause: Duration) async {
        // Cancelled means shutdown, which the loop's condition sees.
        try? await cancelWhenGracefulShutdown { try await ContinuousClock().sleep(for: pause) }
    }

    /// Reads one connection to its end; true when an event was handed over.
    ///
    /// Reading stops at once on shutdown, while handlers already started run to their end.
    private func stream(to handlers: inout ThrowingDiscardingTaskGroup<any Error>) async throws -> Bool {
        let acknowledges = try await serverAcknowledges()
        let query = StreamQuery(
            name: name, group: worker.settings.group, consumer: worker.settings.consumer, acknowledges: acknowledges)
        let response = try await cancelWhenGracefulShutdown { try await worker.client.open(query) }
        worker.readiness.set("stream \(name)", true)
        worker.logger.info("stream open", metadata: ["event.name": "\(name)"])
        var lines = NDJSONLines()
        for try await chunk in response.body.cancelOnGracefulShutdown() {
            for line in try lines.lines(in: chunk) {
                guard let delivery = read(line) else { continue }
                // Waiting for a free handler here is what slows the server down when we are busy.
                await worker.slots.acquire()
                handlers.addTask { await handle(delivery) }
                if worker.settings.handlesOnce { return true }
            }
        }
        return false
    }

    /// Detected on every connection, because a server may be upgraded or replaced meanwhile.
    private func serverAcknowledges() async throws(EventsFault) -> Bool {
        do {
            return try await worker.client.features(within: .seconds(5)).contains("manual-ack")
        } catch .unavailable(let reason, let retryAfterSeconds) {
            // Guessing now would leave a whole connection, days perhaps, without acknowledgements.
            throw .unavailable(reason: reason, retryAfterSeconds: retryAfterSeconds)
        } catch {
            // A server without the document has no acknowledgements either.
            return false
        }
    }

    private func read(_ line: [UInt8]) -> Delivery? {
        do {
            return Delivery(
                event: try EventEnvelope(decoding: line), id: try JSONValue(parsing: line)["deliveryId"]?.text)
        } catch {
            worker.logger.warning("unreadable line skipped", metadata: ["event.name": "\(name)", "cause": "\(error)"])
            return nil
        }
    }

    private func handle(_ delivery: Delivery) async {
        let outcome = await worker.handle(delivery.event)
        await worker.slots.release()
        guard let id = delivery.id else { return }
        do {
            try await worker.client.acknowledge(
                group: worker.settings.group, delivery: id, outcome: outcome, within: .seconds(10))
        } catch {
            // The lease ends and the event comes again; the handler is idempotent.
            var metadata = EventWorker.metadata(delivery.event)
            metadata["cause"] = "\(error)"
            worker.logger.warning("acknowledgement failed", metadata: metadata)
        }
    }

    /// Decides whether reopening can help.
    private func judge(_ fault: EventsFault) async throws {
        switch fault {
        case .refused(let status, let message):
            if worker.settings.refreshesToken, status == 401 { return try await refreshToken(message) }
            throw ProcessFailure(
                exitCode: 1,
                "the Events API refused the stream of \(name) (\(status): \(message)); the token of "
                    + "\(worker.client.tokens.label) needs \(AccessPolicy.scope(for: name, to: .listen))")
        case .notFound:
            throw ProcessFailure(
                exitCode: 1, "there is no Events API at BUS_EVENTS_API_URL; check the URL and its prefix")
        case .rejected(let status, _, let message):
            throw ProcessFailure(
                exitCode: 1, "the Events API rejected the stream of \(name) (\(status): \(message)); check the settings"
            )
        case .unavailable(let reason, let retryAfterSeconds):
            worker.logger.warning(
                "events server unavailable", metadata: ["event.name": "\(name)", "cause": "\(reason)"])
            if let seconds = retryAfterSeconds, worker.settings.retries { await wait(.seconds(min(seconds, 60))) }
        }
    }

    /// With `BUS_EVENTS_TOKEN_REFRESH` a refused worker looks at its token file once a minute.
    private func refreshToken(_ message: String) async throws {
        worker.logger.warning("token refused, reading it again", metadata: ["cause": "\(message)"])
        if worker.client.tokens.reload(with: .ofProcess()) { return }
        await wait(.seconds(60))
    }

    private struct Delivery {
        let event: EventEnvelope
        let id: String?
    }
}
