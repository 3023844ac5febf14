import BusCore
import Synchronization
import TestSupport
import Testing

/// Either process dies at any moment; what Stripe was told is accepted is stored, once, and nothing else is.
@Suite(.timeLimit(.minutes(30))) struct RestartJourney {
    @Test func acknowledgedWebhooksSurviveKills() async throws {
        let load = RestartLoad(webhooks: PropertySettings.rounds(1_500, proof: 50_000))
        let kills = PropertySettings.rounds(6, proof: 200)
        let deployment = try Deployment()
        let ingress = "127.0.0.1:\(try FreePort.next())"
        var random = SeededGenerator(seed: PropertySettings.seed)
        let moments = (0..<kills).map { _ in Int.random(in: 1..<load.webhooks * 19 / 20, using: &random) }.sorted()
        let killsEvents = moments.map { _ in Bool.random(using: &random) }
        let eventsMoments = zip(moments, killsEvents).filter { $1 }.map { $0.0 }
        let stripeMoments = zip(moments, killsEvents).filter { !$1 }.map { $0.0 }

        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await lives(
                    of: "bus-api-provider-events", deployment.eventsArguments, deployment.eventsEnvironment,
                    endingAt: eventsMoments, under: load)
            }
            group.addTask {
                try await lives(
                    of: "bus-integration-stripe", deployment.stripeArguments(ingress), deployment.stripeEnvironment,
                    endingAt: stripeMoments, under: load)
            }
            group.addTask { try await load.run(against: LoopbackClient(ingress), of: deployment) }
            try await group.waitForAll()
        }

        let stored = try await deployment.withEvents { _ in try await deployment.storedEventIDs() }
        let figures = load.figures
        let unique = Set(stored)
        let lost = figures.acknowledged.subtracting(unique)
        let unsigned = unique.subtracting(figures.signed)
        print(
            """
            restart journey, BUS_TEST_SEED=\(PropertySettings.seed)
              kills of the Events API      \(eventsMoments.count)
              kills of the ingress         \(stripeMoments.count)
              webhooks signed              \(figures.signed.count)
              forged webhooks sent         \(figures.forged)
              requests                     \(figures.requests)
              answered 503                 \(figures.refused)
              broken off                   \(figures.broken)
              acknowledged                 \(figures.acknowledged.count)
              stored                       \(stored.count)
              acknowledged but lost        \(lost.count)
              stored but never signed      \(unsigned.count)
              stored twice                 \(stored.count - unique.count)
            """)
        #expect(lost.count == 0)
        #expect(unsigned.count == 0)
        #expect(stored.count == unique.count)
        #expect(figures.forgedAccepted == 0)
        #expect(figures.acknowledged.count >= load.webhooks * 9 / 10, "too few were acknowledged to prove anything")
    }

    /// Runs one program again and again: each life but the last ends by SIGKILL once so many webhooks were handled.
    private func lives(
        of program: String, _ arguments: [String], _ environment: [String: String], endingAt moments: [Int],
        under load: RestartLoad
    ) async throws {
        for moment in moments {
            let exit = try await BusProcess.run(program, arguments, environment: environment) { process in
                _ = try await process.address()
                try await eventually("\(moment) webhooks were handled", tries: 60_000) {
                    load.handled >= moment || load.isDone ? true : nil
                }
                process.kill()
                try await process.end()
            }.exit
            #expect(exit == .signal(BusSignal.kill))
        }
        _ = try await BusProcess.run(program, arguments, environment: environment) { process in
            _ = try await process.address()
            try await eventually("the load is done", tries: 120_000) { load.isDone ? true : nil }
        }
    }
}

/// Many senders that repeat what was not accepted, as Stripe does; a few webhooks are sent once only, a few are forged.
private final class RestartLoad: Sendable {
    struct Figures {
        var signed: Set<String> = []
        var acknowledged: Set<String> = []
        var requests = 0
        var refused = 0
        var broken = 0
        var forged = 0
        var forgedAccepted = 0
    }

    let webhooks: Int
    private let state = Mutex((next: 0, handled: 0, isDone: false, figures: Figures()))

    init(webhooks: Int) {
        self.webhooks = webhooks
    }

    var figures: Figures { state.withLock { $0.figures } }
    /// Webhooks that were acknowledged or given up.
    var handled: Int { state.withLock { $0.handled } }
    var isDone: Bool { state.withLock { $0.isDone } }

    func run(against ingress: LoopbackClient, of deployment: Deployment) async throws {
        defer { state.withLock { $0.isDone = true } }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<16 {
                group.addTask {
                    while let index = self.takeNext() {
                        try await self.deliver(index, to: ingress, of: deployment)
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    private func takeNext() -> Int? {
        state.withLock { state in
            guard state.next < webhooks else { return nil }
            state.next += 1
            return state.next
        }
    }

    private func deliver(_ index: Int, to ingress: LoopbackClient, of deployment: Deployment) async throws {
        let eventID = "evt_restart_\(index)"
        _ = state.withLock { $0.figures.signed.insert(eventID) }
        if index % 50 == 0 { await forge(index, to: ingress, of: deployment) }
        if index % 20 == 0 {
            _ = await attempt(deployment.webhook(eventID), to: ingress)
        } else {
            try await eventually("\(eventID) is accepted") {
                await attempt(deployment.webhook(eventID), to: ingress) ? true : nil
            }
        }
        state.withLock { $0.handled += 1 }
    }

    /// True when the ingress said that the event is stored.
    private func attempt(_ webhook: SignedWebhook, to ingress: LoopbackClient) async -> Bool {
        let answer = try? await webhook.send(to: ingress)  // A broken connection is one of the figures.
        return state.withLock { state in
            state.figures.requests += 1
            switch answer?.status {
            case 200:
                state.figures.acknowledged.insert(webhook.eventID)
                return true
            case nil: state.figures.broken += 1
            default: state.figures.refused += 1
            }
            return false
        }
    }

    private func forge(_ index: Int, to ingress: LoopbackClient, of deployment: Deployment) async {
        let forged = SignedWebhook(
            eventID: "evt_forged_\(index)", secret: "whsec_someone_else", now: unixNow(),
            template: deployment.template)
        let answer = try? await forged.send(to: ingress)  // A broken connection is as good as a refusal here.
        state.withLock { state in
            state.figures.forged += 1
            if answer?.status == 200 { state.figures.forgedAccepted += 1 }
        }
    }
}
