import BusClient
import BusContract
import BusCore
import BusRuntime
import CoreMetrics
import Logging
import ServiceLifecycle
import StripeClient
import StripeCore

/// Walks through Stripe's list of events at the start and every few minutes, and publishes what no webhook has brought
/// (docs/contract/webhooks.md, "Lost webhooks").
struct EventWalker: Service {
    /// A client of its own: walks are spaced, and failures are told here.
    let client: StripeClient
    let rules: WebhookRules
    let actions: WebhookActions
    /// True when the Events API tells what it has stored already.
    let tellsRepeats: @Sendable () async throws -> Bool
    /// Returns once the event is stored; false when it was stored before.
    let publish: @Sendable (EventDraft) async throws -> Bool
    let logger: Logger
    private let meters = WalkMeters()

    /// How far the walks have come, and how the last one went.
    struct Standing {
        fileprivate var walk = EventWalk()
        fileprivate var failures = 0
        /// What was warned of and lasts.
        fileprivate var trouble: String?
    }

    private static let backoff = Backoff(
        first: .seconds(Limits.eventWalkRetrySecondsMin), longest: .seconds(Limits.eventWalkIntervalSeconds))

    func run() async throws {
        await cancelWhenGracefulShutdown {
            var standing = Standing()
            while !Task.isCancelled {
                let pause = await go(&standing)
                do { try await Task.sleep(for: pause) } catch { return }
            }
        }
    }

    /// Walks until the end or a failure, and returns the wait until the next walk.
    func go(_ standing: inout Standing) async -> Duration {
        do {
            guard try await tellsRepeats() else {
                logger.debug("Stripe's events not read, because the Events API would store them again")
                return .seconds(Limits.eventWalkRefusedSeconds)
            }
            var step = EventWalk.Step.goesOn
            while step == .goesOn {
                step = try await takePage(&standing.walk)
                standing.failures = 0
            }
            if step == .cut {
                warn(
                    "Stripe has more events than one walk reads; send lost webhooks that are older again by hand",
                    ["events": "\(Limits.eventWalkPagesMax * Limits.eventWalkPageEvents)"], &standing)
            } else {
                standing.trouble = nil
            }
            meters.lastSuccess.record(Timestamp.now.seconds)
            return .seconds(Limits.eventWalkIntervalSeconds)
        } catch {
            // Whoever stops hears of no failure, and the next start reads the page again.
            return Task.isCancelled ? .zero : fail(error, &standing)
        }
    }

    /// Reads one page and hands its events on; the walk goes on only once all of them are stored.
    private func takePage(_ walk: inout EventWalk) async throws -> EventWalk.Step {
        let page = try await client.events(walk, deadline: .now + .seconds(Limits.eventWalkCallSeconds))
        var next = walk
        let (due, step) = next.take(page)
        for event in due {
            try Task.checkCancellation()
            try await Trace.$current.withValue(Trace.hop(after: nil)) { try await handOn(event) }
        }
        walk = next
        return step
    }

    private func handOn(_ listed: StripeEventPage.Element) async throws {
        do {
            let decision = try WebhookDecision.decide(listed: listed.document, rules: rules)
            let deadline = ContinuousClock.now + .seconds(Limits.webhookPublishSeconds)
            guard try await actions.takeListed(decision, deadline: deadline, publish: publish) else { return }
            meters.found.increment()
            logger.notice(
                "event found that no webhook had brought",
                metadata: ["stripe.event.id": "\(listed.id)", "stripe.event.type": "\(decision.event.type)"])
        } catch let fault as StripeEventFault {
            skip(listed, fault)
        } catch let fault as EventsFault {
            guard case .rejected = fault else { throw fault }
            skip(listed, fault)
        }
    }

    /// One event that can never be published stops no walk.
    private func skip(_ listed: StripeEventPage.Element, _ cause: any Error) {
        meters.errors.increment()
        logger.warning(
            "listed event left out",
            metadata: [
                "stripe.event.id": "\(listed.id)", "cause": "\(Redaction.redact(String(describing: cause)))",
            ])
    }

    // MARK: Failures

    private func fail(_ error: any Error, _ standing: inout Standing) -> Duration {
        meters.errors.increment()
        standing.failures += 1
        let fault = error as? StripeFault
        let cause = fault?.message ?? Redaction.redact(String(describing: error))
        if fault?.status == 403 {
            warn(
                "the Stripe key may not read events, so lost webhooks stay lost; give it Events (read)",
                ["cause": "\(cause)"], &standing)
            return .seconds(Limits.eventWalkRefusedSeconds)
        }
        if fault?.status == 400 || fault?.status == 404 { standing.walk.startOver() }
        if let fault, fault.status == nil, !fault.mayRetry { standing.walk.shrink() }
        warn("Stripe's events not read; tried again by itself", ["cause": "\(cause)"], &standing)
        return EventWalker.backoff.delay(afterFailures: standing.failures, random: .random(in: 0..<1))
    }

    /// Says a trouble once as long as it lasts.
    private func warn(_ trouble: String, _ metadata: Logger.Metadata, _ standing: inout Standing) {
        logger.log(
            level: standing.trouble == trouble ? .debug : .warning, Logger.Message(stringLiteral: trouble),
            metadata: metadata)
        standing.trouble = trouble
    }
}

/// What the walks count.
private struct WalkMeters: Sendable {
    let found = Counter(label: "bus_stripe_walk_events_found_total")
    let errors = Counter(label: "bus_stripe_walk_errors_total")
    let lastSuccess = Gauge(label: "bus_stripe_walk_last_success_timestamp_seconds")
}

extension EventsClient {
    /// Publishes one event; false when its key was used before.
    func publishOnce(_ draft: EventDraft) async throws -> Bool {
        do throws(EventsFault) {
            let answer = try await publish(draft, within: .seconds(Limits.webhookPublishSeconds))
            return (try? JSONValue(parsing: answer))?["duplicate"] != true
        } catch {
            if let fault = error.unlessStoredBefore { throw fault }
            return false
        }
    }
}
