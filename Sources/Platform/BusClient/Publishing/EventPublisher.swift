import BusContract
import BusCore
import BusRuntime
import CoreMetrics
import ServiceLifecycle
import Synchronization

/// Publishes events of many concurrent callers in shared batches.
///
/// Nothing is stored here: a caller hears `nil` only after the Events API has committed its event.
package final class EventPublisher: Service, Sendable {
    /// Hears how one publish ended; nil is success.
    package typealias Completion = @Sendable (EventsFault?) -> Void

    private struct Pending: Sendable {
        let draft: EventDraft
        let deadline: ContinuousClock.Instant
        let completion: EventPublisher.Completion
    }

    private let client: EventsClient
    private let timeout: Duration
    private let batches: Batches<Pending>
    private let refusal = Mutex<ProcessFailure?>(nil)
    private let serverLacksBatches = Atomic(false)
    private let batchSize = Recorder(label: "bus_publish_batch_events", aggregate: false)

    /// A publisher whose callers wait at most `timeout` in all.
    ///
    /// - Parameter gathering: How long a batch gathers at most after one that carried several events.
    package init(client: EventsClient, timeout: Duration, gathering: Duration? = nil) {
        self.client = client
        self.timeout = timeout
        batches = Batches(
            countMax: Limits.publishQueueEventsMax, gathering: gathering, fastCount: Limits.publishEventsFast)
    }

    /// Hands an event over; `completion` is called exactly once, on any thread.
    package func submit(_ draft: EventDraft, completion: @escaping Completion) {
        let pending = Pending(draft: draft, deadline: .now + timeout, completion: completion)
        switch batches.add(pending) {
        case nil: break
        case .full: completion(.unavailable(reason: "too many events wait to be published", retryAfterSeconds: 5))
        case .stopped: completion(.unavailable(reason: "the service is stopping", retryAfterSeconds: 5))
        }
    }

    /// Publishes one event together with whatever else waits.
    package func publish(_ draft: EventDraft) async throws(EventsFault) {
        let fault = await withCheckedContinuation { continuation in
            submit(draft) { continuation.resume(returning: $0) }
        }
        if let fault { throw fault }
    }

    /// Sends batches until shutdown, then what is still queued; ends with exit 1 when the token is refused.
    package func run() async throws {
        await withTaskCancellationOrGracefulShutdownHandler {
            await withDiscardingTaskGroup { group in
                for _ in 0..<Limits.publishBatchesInFlightMax {
                    group.addTask { await self.batches.run { await self.send($0) } }
                }
            }
        } onCancelOrGracefulShutdown: {
            self.batches.stop()
        }
        if let refusal = refusal.withLock({ $0 }) { throw refusal }
    }

    private func send(_ batch: [Pending]) async {
        batchSize.record(batch.count)
        let now = ContinuousClock.now
        let live = batch.filter { $0.deadline > now }
        for late in batch where late.deadline <= now {
            late.completion(.unavailable(reason: "the event waited too long", retryAfterSeconds: 5))
        }
        guard let deadline = live.map(\.deadline).min() else { return }
        do {
            if live.count == 1 {
                try await client.publish(live[0].draft, within: deadline - now)
            } else if serverLacksBatches.load(ordering: .relaxed) {
                return await sendEachAlone(live, until: deadline)
            } else {
                try await client.publish(live.map(\.draft), within: deadline - now)
            }
            for pending in live { pending.completion(nil) }
        } catch {
            await settle(live, after: error, until: deadline)
        }
    }

    /// Publishes a rejected batch one by one, so that a bad event fails alone; a server without batches gets no more.
    private func settle(
        _ batch: [Pending], after fault: EventsFault, until deadline: ContinuousClock.Instant
    ) async {
        switch fault {
        case .notFound where batch.count > 1, .rejected(status: 405, _, _) where batch.count > 1:
            serverLacksBatches.store(true, ordering: .relaxed)
            await sendEachAlone(batch, until: deadline)
        // One name may lack its scope while the others have theirs.
        case .rejected where batch.count > 1, .refused(status: 403, _) where batch.count > 1:
            await sendEachAlone(batch, until: deadline)
        default: for pending in batch { complete(pending, with: fault) }
        }
    }

    private func sendEachAlone(_ batch: [Pending], until deadline: ContinuousClock.Instant) async {
        await withDiscardingTaskGroup { group in
            for pending in batch { group.addTask { await self.sendAlone(pending, until: deadline) } }
        }
    }

    private func sendAlone(_ pending: Pending, until deadline: ContinuousClock.Instant) async {
        do {
            try await client.publish(pending.draft, within: max(deadline - .now, .milliseconds(1)))
            pending.completion(nil)
        } catch {
            complete(pending, with: error)
        }
    }

    private func complete(_ pending: Pending, with fault: EventsFault) {
        pending.completion(fault)
        if case .refused(let status, let message) = fault {
            let failure = client.refusal(
                to: .send, pending.draft.envelope.name, status: status, message: message)
            refusal.withLock { $0 = $0 ?? failure }
            batches.stop()
        }
    }
}
