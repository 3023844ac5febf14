import BusCore
import Synchronization
import TestSupport
import Testing

/// The Events API dies between publishes; what it acknowledged is stored, once, and batches are whole or absent.
@Suite(.timeLimit(.minutes(30))) struct PublishJourney {
    @Test func acknowledgedPublishesSurviveKills() async throws {
        let kills = PropertySettings.rounds(3, proof: 100)
        var random = SeededGenerator(seed: PropertySettings.seed)
        let moments = (0..<kills).map { _ in Int.random(in: 20...150, using: &random) }
        let deployment = try Deployment()
        let load = PublishLoad(deployment)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for publisher in 0..<PublishLoad.publishers { group.addTask { await load.publish(as: publisher) } }
            group.addTask {
                defer { load.stop() }
                for moment in moments { try await life(of: deployment, under: load, answers: moment) }
                try await life(of: deployment, under: load, answers: 20, isLast: true)
            }
            try await group.waitForAll()
        }
        let figures = load.figures
        let stored = try await deployment.withEvents { _ in
            let stored = try await deployment.storedUpdates()
            // Publishers number their requests; the even ones are single events.
            let singles = figures.acknowledged.filter { $0.key.split(separator: "-").count == 2 }
            #expect(singles.count > 10)
            for (number, id) in singles.prefix(20) {
                let again = await load.send([number])?.json
                #expect(again?["id"]?.text == id)
                #expect(again?["duplicate"] == true)
            }
            let batch = try #require(figures.acknowledged.keys.first { $0.split(separator: "-").count == 3 })
            let members = PublishLoad.members(of: String(batch.dropLast(2)))
            let again = await load.send(members)?.json?["events"]?.elements
            #expect(again?.map { $0["id"]?.text } == members.map { figures.acknowledged[$0] })
            #expect(again?.allSatisfy { $0["duplicate"] == true } == true)
            #expect(try await deployment.storedUpdates().count == stored.count)
            return stored
        }
        check(stored, figures, kills: kills)
    }

    /// One life of the server; all but the last end by SIGKILL after so many more answers.
    private func life(
        of deployment: Deployment, under load: PublishLoad, answers: Int, isLast: Bool = false
    ) async throws {
        _ = try await BusProcess.run(
            "bus-api-provider-events", deployment.eventsArguments, environment: deployment.eventsEnvironment
        ) { process in
            _ = try await process.address(of: Listener.events)
            let start = load.figures.answers
            try await eventually("\(answers) publishes were answered", tries: 60_000) {
                load.figures.answers >= start + answers ? true : nil
            }
            if isLast {
                load.stop()
                try await eventually("the publishers ended") { load.isDone ? true : nil }
            }
            process.kill()
            try await process.end()
        }
    }

    private func check(_ stored: [JSONValue], _ figures: PublishLoad.Figures, kills: Int) {
        var ids: [String: String] = [:]
        var batches: [String: [String]] = [:]
        var twice = 0
        for event in stored {
            let number = event["payload"]?["n"]?.text ?? ""
            if ids.updateValue(event["id"]?.text ?? "", forKey: number) != nil { twice += 1 }
            if let batch = event["payload"]?["batch"]?.text { batches[batch, default: []].append(number) }
        }
        let lost = figures.acknowledged.filter { ids[$0.key] != $0.value }
        let torn = batches.filter { $0.value != PublishLoad.members(of: $0.key) }
        print(
            """
            publish journey, BUS_TEST_SEED=\(PropertySettings.seed)
              kills                  \(kills)
              requests answered      \(figures.answers)
              requests broken off    \(figures.broken)
              events acknowledged    \(figures.acknowledged.count)
              events stored          \(stored.count)
              acknowledged but lost  \(lost.count)
              stored twice           \(twice)
              torn batches           \(torn.count) of \(batches.count)
            """)
        #expect(lost.isEmpty)
        #expect(twice == 0)
        #expect(torn.isEmpty)
        #expect(!batches.isEmpty)
        #expect(figures.broken > 0, "no kill met a request; nothing was proved")
    }
}

/// Publishers that send events and batches with keys, and repeat half of what was broken off.
private final class PublishLoad: Sendable {
    struct Figures {
        /// Ids by the number in the payload.
        var acknowledged: [String: String] = [:]
        var answers = 0
        var broken = 0
    }

    private let deployment: Deployment
    private let token: String
    private let state = Mutex((isStopped: false, ended: 0, figures: Figures()))

    static let publishers = 8

    init(_ deployment: Deployment) {
        self.deployment = deployment
        token = deployment.token
    }

    var figures: Figures { state.withLock { $0.figures } }

    var isDone: Bool { state.withLock { $0.ended == Self.publishers } }

    func stop() { state.withLock { $0.isStopped = true } }

    static func members(of batch: String) -> [String] { (0..<5).map { "\(batch)-\($0)" } }

    func publish(as publisher: Int) async {
        defer { state.withLock { $0.ended += 1 } }
        var number = 0
        while !state.withLock({ $0.isStopped }) {
            number += 1
            let name = "\(publisher)-\(number)"
            let members = number % 2 == 0 ? [name] : Self.members(of: name)
            var isAccepted = false
            // Every other broken request is repeated, as a publisher with a key may; the others stay unknown.
            repeat {
                isAccepted = await attempt(members)
            } while !isAccepted && number % 4 < 2
                && !state.withLock { $0.isStopped }
        }
    }

    private func attempt(_ members: [String]) async -> Bool {
        let answer = await send(members)
        return state.withLock { state in
            guard let answer, answer.status == 202 else {
                state.figures.broken += 1
                return false
            }
            state.figures.answers += 1
            for (member, event) in zip(members, answer.json?["events"]?.elements ?? [answer.json ?? .null]) {
                state.figures.acknowledged[member] = event["id"]?.text ?? ""
            }
            return true
        }
    }

    /// The answer, or nil when the connection broke.
    func send(_ members: [String]) async -> LoopbackClient.Answer? {
        func event(_ member: String) -> String {
            let batch = members.count > 1 ? #","batch":"\#(member.dropLast(2))""# : ""
            let key = members.count > 1 ? #","idempotencyKey":"\#(member)""# : ""
            return #"{"name":"\#(Deployment.updateName)","payload":{"n":"\#(member)"\#(batch)}\#(key)}"#
        }
        var headers = ["Authorization": "Bearer \(token)"]
        let client = LoopbackClient(deployment.eventsAddress)
        if members.count == 1 {
            headers["Idempotency-Key"] = members[0]
            return try? await client.post("/api/v1/events", Array(event(members[0]).utf8), headers: headers)
        }
        let body = #"{"events":[\#(members.map(event).joined(separator: ","))]}"#
        return try? await client.post("/api/v1/events/batch", Array(body.utf8), headers: headers)
    }
}
