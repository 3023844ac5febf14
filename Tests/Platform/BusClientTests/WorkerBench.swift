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
    var requests: [EventEnvelope] { handled.requests.withLock { $0 } }
    /// Every response that arrived at the double.
    var responses: [JSONValue] { double.calls("events").map(\.body) }
    /// `outcome` of every acknowledgement, by delivery id.
    var outcomes: [String: String] {
        var outcomes: [String: String] = [:]
        for call in double.calls("ack") {
            for delivery in call.body["deliveries"]?.elements ?? [] {
                outcomes[delivery["id"]?.text ?? ""] = delivery["outcome"]?.text
            }
        }
        return outcomes
    }

    /// Asks the worker to stop, as a signal does.
    func stop() async {
        await group.withLock { $0 }?.triggerGracefulShutdown()
    }

    private init(
        _ double: EventsDouble, _ client: EventsClient, _ names: [EventName], _ settings: WorkerSettings,
        _ failures: Int, _ handler: @escaping @Sendable (EventEnvelope) async -> Void
    ) {
        self.double = double
        let handled = Handled()
        self.handled = handled
        worker = EventWorker(
            names: names, neverStale: [.meterEventRecordRequest], neverLost: [.meterEventRecordRequest],
            client: client, settings: settings, readiness: readiness, logger: silent
        ) { request in
            let count = handled.requests.withLock { requests in
                requests.append(request)
                return requests.count
            }
            await handler(request)
            if count <= failures {
                return EventEnvelope(
                    name: request.name.response ?? request.name, correlationID: request.correlationID,
                    metadata: ["example.retryable": "true"], payload: JSONText([:]),
                    error: EventError(code: "unavailable", message: "down"))
            }
            return EventEnvelope(
                name: request.name.response ?? request.name, correlationID: request.correlationID,
                payload: JSONText(["n": 1]))
        }
    }

    /// Runs `body` beside the worker and stops it; what ended it before that comes back.
    @discardableResult
    static func run(
        _ names: [EventName] = [.portalSessionCreateRequest], settings environment: [String: String] = [:],
        once: Bool = false, failures: Int = 0, handler: @escaping @Sendable (EventEnvelope) async -> Void = { _ in },
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
            let bench = WorkerBench(double, client, names, settings, failures, handler)
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

    /// Waits until so many calls of a route arrived.
    func calls(_ route: String, _ count: Int) async throws {
        try await eventually("\(count) calls of \(route)") { double.calls(route).count >= count ? true : nil }
    }
}

/// What the handler was given.
private final class Handled: Sendable {
    let requests = Mutex<[EventEnvelope]>([])
}

/// A request as a line of the stream.
func line(
    _ id: String, delivery: String? = nil, name: EventName = .portalSessionCreateRequest, age: Int64 = 0
) -> String {
    var envelope = EventEnvelope(
        name: name, correlationID: "c-\(id)", timestamp: Timestamp.now.advanced(bySeconds: -age),
        payload: JSONText(["n": 1]))
    envelope.id = id
    var writer = JSONWriter(capacity: 200)
    envelope.write(to: &writer) { $0.member("deliveryId", optional: delivery) }
    return String(decoding: writer.bytes, as: UTF8.self)
}
