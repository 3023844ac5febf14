import BusContract
import BusCore
import BusRuntime
import Synchronization
import TestSupport

@testable import BusClient

/// A requester over a double, with its publisher beside it.
struct RequestReplyBench: Sendable {
    let double: EventsDouble
    let requests: RequestReply
    let readiness: Readiness
    private let requesting: Task<Void, any Error>
    private let publishing: Task<Void, any Error>

    /// Runs `body` beside the requester and stops it; what ended it before that comes back.
    @discardableResult
    static func run(
        asking exchanges: [ExchangeRules] = [Exchange.status.rules], pendingMax: Int = 10_000,
        settings environment: [String: String] = [:],
        _ script: @escaping EventsDouble.Script, _ body: (RequestReplyBench) async throws -> Void
    ) async throws -> ProcessFailure? {
        var variables = [
            "BUS_EVENTS_LISTENER_RETRY_MIN": "1ms", "BUS_EVENTS_LISTENER_RETRY_MAX": "1ms",
            "BUS_EVENTS_LISTENER_REQUIRED": "1",
        ]
        variables.merge(environment) { $1 }
        var reader = SettingsReader(environment: variables)
        let settings = ListenerSettings(&reader)
        try reader.check()
        return try await EventsDouble.run(script) { double, client in
            let publisher = EventPublisher(client: client, timeout: .seconds(30))
            let readiness = Readiness()
            let requests = RequestReply(
                exchanges: exchanges, client: client, publisher: publisher, source: "bus-example",
                settings: settings, readiness: readiness, logger: silent, pendingMax: pendingMax)
            let requesting = Task { try await requests.run() }
            let publishing = Task {
                defer { requesting.cancel() }
                try await publisher.run()
            }
            let bench = RequestReplyBench(
                double: double, requests: requests, readiness: readiness, requesting: requesting,
                publishing: publishing)
            let result = await Result { try await body(bench) }
            let ending = await bench.stop()
            try result.get()
            return ending
        }
    }

    /// Stops the requester and then its publisher, as a service group does; what ended either before comes back.
    @discardableResult
    func stop() async -> ProcessFailure? {
        requesting.cancel()
        return await ended()
    }

    /// Waits until the requester ends by itself.
    @discardableResult
    func ended() async -> ProcessFailure? {
        let result = await requesting.result
        publishing.cancel()
        for case .failure(let error) in [result, await publishing.result] {
            if let failure = error as? ProcessFailure { return failure }
        }
        return nil
    }

    /// The number in the payload of the response to a request with that number.
    func ask(_ number: Int, within timeout: Duration = .seconds(30)) async throws -> Int64? {
        let response = try await requests.call(
            Exchange.status.request, JSONText(["n": .integer(Int64(number))]), metadata: ["example.key": "value"],
            within: timeout)
        return try response.payload.value()["n"]?.integer
    }

    /// The fault of a request that is not answered.
    func fault(within timeout: Duration = .seconds(30)) async -> RequestReplyFault? {
        do {
            _ = try await ask(0, within: timeout)
            return nil
        } catch {
            return error as? RequestReplyFault
        }
    }

    func streams(_ count: Int) async throws {
        try await eventually("\(count) streams were opened") {
            double.calls("stream").count >= count && readiness.missing.isEmpty ? true : nil
        }
    }

    func pending(_ count: Int) async throws {
        try await eventually("\(count) requests wait") { requests.pendingCount == count ? true : nil }
    }

    /// Every request that was published so far.
    var published: [JSONValue] { (double.calls("events") + double.calls("batch")).flatMap(\.events) }

    /// Waits for the first published request.
    func firstPublished() async throws -> JSONValue {
        try await eventually("a request is published") { published.first }
    }
}

/// The response to a published request as a line of the stream, with the request's payload.
func responseLine(_ request: JSONValue, correlationID: String? = nil, name: String? = nil) -> String {
    let response: JSONValue = [
        "id": "evt_1", "name": .string(name ?? "bus.billing.status.response"),
        "correlationId": .string(correlationID ?? request["correlationId"]?.text ?? ""),
        "payload": request["payload"] ?? .null,
    ]
    return String(decoding: response.serialized(), as: UTF8.self)
}
