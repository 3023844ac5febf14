import BillingCore
import BillingStorage
import BusContract
import BusCore
import BusRuntime
import CoreMetrics
import Logging
import ServiceLifecycle

/// Hands usage over to the payment company: when it is asked for, and again by itself until each usage has an end.
struct UsageSender: Service {
    let desk: BillingDesk
    let provider: any PaymentProvider
    let logger: Logger
    /// Rings when a row may be due earlier than before.
    private let bell = Signal()

    init(desk: BillingDesk, provider: any PaymentProvider, logger: Logger) {
        self.desk = desk
        self.provider = provider
        self.logger = logger
        // Shown from the start: what grows from nothing cannot be seen growing.
        for outcome in ["accepted", "waiting", "refused"] { UsageSender.counter(outcome).increment(by: 0) }
    }

    // MARK: Asked

    /// Answers a request for a usage.
    func export(_ usage: UsageExportRequest, _ caller: Caller) async throws -> UsageExportAnswer {
        let started = ContinuousClock.now
        var answer: UsageExportAnswer
        // A request that waited for its worker was published when it was used.
        let usedAt = min(caller.publishedAt ?? caller.now, caller.now)
        switch try await desk.beginExport(
            usage, usedAt: usedAt, provider.terms, eventID: caller.eventID, at: caller.now)
        {
        case .answered(let ready): answer = ready
        case .send(let sending):
            let outcome = await provider.recordUsage(sending, correlationID: caller.correlationID)
            let end = try await desk.endExport(
                sending, outcome, eventID: caller.eventID, at: caller.now.advanced(by: started.duration(to: .now)))
            if end.makesRoom { bell.ring() }
            answer = end.export.answer
        }
        if answer.isQueued { bell.ring() }
        count(answer)
        return answer
    }

    /// Takes in that the payment company does not count what it had taken.
    func refuse(_ refusal: UsageRefusal, _ caller: Caller) async throws -> UsageRefusalResult {
        let (result, refused) = try await desk.refuse(refusal, eventID: caller.eventID, at: caller.now)
        for export in refused { tell(export) }
        return result
    }

    private func count(_ answer: UsageExportAnswer) {
        let outcome = answer.isExported ? "accepted" : answer.isQueued ? "waiting" : "refused"
        UsageSender.counter(outcome).increment()
    }

    private static func counter(_ outcome: String) -> Counter {
        Counter(label: "bus_usage_exports_total", dimensions: [("outcome", outcome)])
    }

    // MARK: Without being asked

    /// Sends what is due until shutdown; it sleeps until the next row is due, and longer while nothing is taken.
    func run() async throws {
        await cancelWhenGracefulShutdown {
            var watch = UsageWatch()
            while !Task.isCancelled {
                let now = Timestamp.now
                do {
                    let waiting = try await desk.waitingUsage()
                    watch.look(at: waiting.oldest, now, logger)
                    let pause = watch.pause(until: waiting.nextDue, at: now)
                    if pause > .zero {
                        _ = await bell.wait(atMost: pause)
                    } else {
                        watch.note(try await sendDue(at: now), at: now)
                    }
                } catch {
                    logger.warning("waiting usage not sent", metadata: ["cause": "\(error)"])
                    watch.note(.failed, at: now)
                }
            }
        }
    }

    /// Sends a few rows that are due, and says whether the payment company takes any.
    func sendDue(at now: Timestamp) async throws -> UsageWatch.Round {
        let due = try await desk.beginDue(provider.terms, at: now)
        for export in due.ended { tell(export) }
        return await withTaskGroup(of: UsageWatch.Round.self) { group in
            for sending in due.sendings { group.addTask { await send(sending) } }
            return await group.reduce(.idle) { max($0, $1) }
        }
    }

    private func send(_ sending: UsageSending) async -> UsageWatch.Round {
        let started = ContinuousClock.now
        let outcome = await provider.recordUsage(sending, correlationID: sending.export.providerKey)
        do {
            let end = try await desk.endExport(
                sending, outcome, eventID: nil, at: sending.startedAt.advanced(by: started.duration(to: .now)))
            if end.export.state.isOpen { return .failed }
            tell(end.export)
            return .answered
        } catch {
            // Its lease ends, and it is sent again under its key.
            logger.warning("usage answer not stored", metadata: ["cause": "\(error)"])
            return .failed
        }
    }

    /// Says what became of a usage that nobody waits for.
    private func tell(_ export: UsageExport) {
        count(export.answer)
        let metadata: Logger.Metadata = [
            "account.id": "\(export.key.accountID)", "idempotency.key": "\(export.key.text)",
            "usage.meter": "\(export.key.meterEventName)", "reason": "\(export.reason ?? "")",
        ]
        if export.state.isAccepted {
            logger.info("waiting usage exported", metadata: metadata)
        } else {
            logger.warning("usage ended without being counted", metadata: metadata)
        }
    }
}

/// What the sender of usage remembers between two rounds.
struct UsageWatch {
    /// How a round went; what is greater says more.
    enum Round: Comparable {
        /// Nothing was sent.
        case idle
        /// Nothing was taken or refused.
        case failed
        /// The payment company answered.
        case answered
    }

    private var failures = 0
    private var notBefore = Timestamp.earliest
    private var warnedAt = Timestamp.earliest
    private static let backoff = Backoff(
        first: .seconds(1), longest: .seconds(Limits.usageRoundPauseSecondsMax))

    /// Takes in a round.
    mutating func note(_ round: Round, at now: Timestamp) {
        switch round {
        case .idle: break
        case .answered: failures = 0
        case .failed:
            failures += 1
            notBefore = now.advanced(by: UsageWatch.backoff.delay(afterFailures: failures, random: .random(in: 0..<1)))
        }
    }

    /// The time until the next round.
    func pause(until due: Timestamp?, at now: Timestamp) -> Duration {
        let next = max(due ?? .latest, notBefore)
        return min(.nanoseconds(next.nanoseconds - now.nanoseconds), .seconds(Limits.usageLookIntervalSeconds))
    }

    /// Reports the age of what waits.
    mutating func look(at oldest: Timestamp?, _ now: Timestamp, _ logger: Logger) {
        let age = oldest.map { max(0, now.seconds - $0.seconds) } ?? 0
        Gauge(label: "bus_usage_oldest_waiting_seconds").record(age)
        guard age >= Limits.usageAgeWarnedSeconds,
            warnedAt.advanced(bySeconds: Limits.usageWarningIntervalSeconds) <= now
        else { return }
        warnedAt = now
        logger.warning("usage waits for more than 30 days", metadata: ["used.at": "\(oldest?.rfc3339 ?? "")"])
    }
}

extension Timestamp {
    /// The moment after a duration.
    fileprivate func advanced(by duration: Duration) -> Timestamp {
        Timestamp(clampingNanoseconds: nanoseconds + duration.wholeNanoseconds)
    }
}
