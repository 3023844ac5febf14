import ArgumentParser
import AsyncHTTPClient
import BusClient
import BusContract
import BusCore
import BusLoops
import BusRuntime
import FoundationEssentials
import Logging
import ServiceLifecycle
import Synchronization

/// Entitlement checks by request and reply over a running Events API and billing worker.
struct Checks: AsyncParsableCommand {
    @Option(name: .customLong("events-url"), help: "Events API base URL.") var eventsURL: String
    @Option(help: "Checks to make.") var count: Int
    @Option(help: "Checks under way at once.") var parallel: Int
    @Option(help: "Accounts to ask for, spread evenly.") var accounts: Int
    @Option(help: "Ask no more after so many seconds.") var seconds: Int?
    @Flag(help: "Ask for usage too, so that each check is a durable hold.") var hold = false

    func run() async throws {
        var reader = SettingsReader(environment: ProcessInfo.processInfo.environment)
        guard let endpoint = EventsEndpoint(eventsURL) else { throw ValidationError("--events-url is no URL") }
        let tokens = try TokenSource.find(in: reader)
        let logger = Logger(label: "billing-bench")
        let executor = EventLoopExecutor.ofProcess
        let http = HTTPClient(eventLoopGroup: executor.loop, configuration: EventsClient.configuration)
        let client = EventsClient(transport: http, endpoint: endpoint, tokens: tokens, logger: logger)
        let publisher = EventPublisher(client: client, timeout: .seconds(30))
        let replies = RequestReply(
            exchanges: [Exchange.entitlementCheck.rules], client: client, publisher: publisher,
            source: "billing-bench",
            settings: ListenerSettings(&reader), readiness: Readiness(), logger: logger)
        let load = ServiceGroupConfiguration.ServiceConfiguration(
            service: Load(checks: self, replies: replies), successTerminationBehavior: .gracefullyShutdownGroup)
        let group = ServiceGroup(
            configuration: .init(services: [.init(service: publisher), .init(service: replies), load], logger: logger))
        // As every worker of ours does.
        try await withTaskExecutorPreference(executor) { try await group.run() }
        try await http.shutdown()
    }

    fileprivate struct Load: Service {
        let checks: Checks
        let replies: RequestReply

        func run() async throws {
            for number in 0..<50 { try await check(number) }
            let (parallel, count) = (checks.parallel, checks.count)
            let times = Mutex<[Double]>([])
            let started = ContinuousClock.now
            let end = checks.seconds.map { started + .seconds($0) }
            try await withThrowingTaskGroup(of: Void.self) { workers in
                for worker in 0..<parallel {
                    workers.addTask { @Sendable [self] in
                        for number in stride(from: worker, to: count, by: parallel) {
                            let begun = ContinuousClock.now
                            if let end, begun > end { break }
                            try await check(number)
                            let elapsed = (ContinuousClock.now - begun).inSeconds * 1_000
                            times.withLock { $0.append(elapsed) }
                        }
                    }
                }
                try await workers.waitForAll()
            }
            let seconds = (ContinuousClock.now - started).inSeconds
            let sorted = times.withLock { $0.sorted() }
            Terminal.output(
                #"{"p50_ms":\#(sorted[sorted.count / 2]),"p99_ms":\#(sorted[sorted.count * 99 / 100]),"#
                    + #""per_second":\#(Double(sorted.count) / seconds)}"#)
        }

        private func check(_ number: Int) async throws {
            // A large odd step visits accounts far from each other.
            let account = BenchStore.account(number &* 7_919 % checks.accounts)
            var payload: [String: JSONValue] = ["account_id": .string(account), "scope": "llm:proxy"]
            if checks.hold { payload["usage"] = ["meter_event_name": "tokens", "quantity": 1] }
            let answer = try await replies.call(
                Exchange.entitlementCheck.request, JSONText(.object(payload)), within: .seconds(30))
            guard try answer.payload.value()["allowed"]?.flag == true else {
                throw ProcessFailure(exitCode: 1, "a check was denied: \(answer)")
            }
        }
    }
}
