import BusContract
import BusCore
import BusRuntime
import ServiceLifecycle
import Synchronization
import TestSupport
import Testing

@testable import BusClient

/// A worker over a double: what it handled, how it ended.
final class WorkerBench: Sendable {
    let double: EventsDouble
    let worker: EventWorker
    let readiness = Readiness()
    private let handled: Handled
    private let hasEnded = Mutex(false)
    private let group = Mutex<ServiceGroup?>(nil)

    /// Every request handed to the handler, in order.
    var requests: [Caller] { handled.requests.withLock { $0 } }
    /// Every response that arrived at the double.
    var responses: [JSONValue] { double.calls("events").map(\.body) }
    /// Every acknowledgement that arrived; one call may carry several.
    private var acknowledgements: [JSONValue] {
        double.calls("ack").flatMap { $0.body["deliveries"]?.elements ?? [] }
    }
    /// `outcome` of every acknowledgement, by delivery id.
    var outcomes: [String: String] {
        var outcomes: [String: String] = [:]
        for delivery in acknowledgements { outcomes[delivery["id"]?.text ?? ""] = delivery["outcome"]?.text }
        return outcomes
    }

    /// `code` of every acknowledgement that has one, by delivery id.
    var codes: [String: String] {
        var codes: [String: String] = [:]
        for delivery in acknowledgements { codes[delivery["id"]?.text ?? ""] = delivery["code"]?.text }
        return codes
    }

    /// Asks the worker to stop, as a signal does.
    func stop() async {
        await group.withLock { $0 }?.triggerGracefulShutdown()
    }

    private init(
        _ double: EventsDouble, _ client: EventsClient, _ names: [EventName], _ settings: WorkerSettings,
        _ failures: Int, _ refusal: ErrorCode, _ handler: @escaping @Sendable (Caller) async -> Void
    ) {
        self.double = double
        let handled = Handled()
        self.handled = handled
        @Sendable func outcome<Response>(_ caller: Caller, _ answer: Response) async -> Outcome<Response> {
            let count = handled.requests.withLock { requests in
                requests.append(caller)
                return requests.count
            }
            await handler(caller)
            return count <= failures ? Outcome(BusError(refusal, "down")) : .answer(answer)
        }
        var handlers = RequestHandlers(
            .stripe, callers: CallerPolicy(ownSubject: nil, trustedSubjects: []), logger: silent)
        let page = ProviderPage(accountID: account, url: "u", sessionID: "s", mode: .local, ignoredFields: [])
        for name in names {
            switch name {
            case Exchange.stripePortal.request:
                handlers.answer(.stripePortal) { await outcome($1, ProviderPortalAnswer(page: page)) }
            case Exchange.stripeCheckout.request:
                handlers.answer(.stripeCheckout) {
                    await outcome($1, ProviderCheckoutAnswer(page: page, expiresAt: nil, features: []))
                }
            case Exchange.customerDeletion.request:
                handlers.answer(.customerDeletion) { await outcome($1, CustomerDeletionResult()) }
            default:
                handlers.answer(.stripeMeterEvent) {
                    await outcome(
                        $1, MeterEventAnswer(to: $0, isDuplicate: false, providerEventID: "m", mode: .local))
                }
            }
        }
        worker = EventWorker(
            handlers, client: client, settings: settings, readiness: readiness, logger: silent)
    }

    /// Runs `body` beside the worker and stops it; what ended it before that comes back.
    @discardableResult
    static func run(
        _ names: [EventName] = [Exchange.stripePortal.request], settings environment: [String: String] = [:],
        once: Bool = false, failures: Int = 0, refusal: ErrorCode = .stripeUnavailable,
        handler: @escaping @Sendable (Caller) async -> Void = { _ in },
        script: @escaping EventsDouble.Script, _ body: @Sendable (WorkerBench) async throws -> Void
    ) async throws -> ProcessFailure? {
        var variables = ["BUS_EVENTS_LISTENER_RETRY_MIN": "1ms", "BUS_EVENTS_LISTENER_RETRY_MAX": "1ms"]
        variables.merge(environment) { $1 }
        variables["BUS_EVENTS_CONSUMER"] = "one"
        var reader = SettingsReader(environment: variables)
        var settings = WorkerSettings(&reader, module: "bus-example")
        settings.handlesOnce = once
        try reader.check()
        return try await EventsDouble.run(script) { double, client in
            let bench = WorkerBench(double, client, names, settings, failures, refusal, handler)
            let group = ServiceGroup(
                configuration: .init(
                    services: [.init(service: bench.worker, successTerminationBehavior: .gracefullyShutdownGroup)],
                    logger: silent))
            bench.group.withLock { $0 = group }
            let running = Task {
                defer { bench.hasEnded.withLock { $0 = true } }
                try await group.run()
            }
            let result = await Result { try await body(bench) }
            await bench.stop()
            let ending = await running.result
            try result.get()
            if case .failure(let error) = ending { return try #require(error as? ProcessFailure) }
            return nil
        }
    }

    /// Waits until the worker ends by itself.
    func ends() async throws {
        try await eventually("the worker ends") { hasEnded.withLock { $0 } ? true : nil }
    }

    /// Waits until so many responses arrived.
    func responses(_ count: Int) async throws {
        try await eventually("\(count) responses") { responses.count >= count ? true : nil }
    }

    /// Waits until so many acknowledgements arrived.
    func acknowledgements(_ count: Int) async throws {
        try await eventually("\(count) acknowledgements") { acknowledgements.count >= count ? true : nil }
    }

    /// Waits until so many calls of a route arrived.
    func calls(_ route: String, _ count: Int) async throws {
        try await eventually("\(count) calls of \(route)") { double.calls(route).count >= count ? true : nil }
    }
}

/// What the handler was given.
private final class Handled: Sendable {
    let requests = Mutex<[Caller]>([])
}

private let account = "6c0e7f6a-0000-4000-8000-000000000001"

/// A request as a line of the stream.
func line(
    _ id: String, delivery: String? = nil, name: EventName = Exchange.stripePortal.request, age: Int64 = 0
) -> String {
    var envelope = EventEnvelope(
        name: name, correlationID: "c-\(id)", timestamp: Timestamp.now.advanced(bySeconds: -age),
        payload: JSONText([
            "account_id": .string(account), "meter": "m", "quantity": 1, "customer_id": "cus_1",
            "event_id": .string(id),
        ]))
    envelope.id = id
    var writer = JSONWriter(capacity: 200)
    envelope.write(to: &writer) { $0.member("deliveryId", optional: delivery) }
    return String(decoding: writer.bytes, as: UTF8.self)
}
