import BusContract
import BusCore
import BusServer
import HTTPTypes
import Hummingbird
import HummingbirdCore
import SandboxWorld

/// `/sandbox/*`: the clock, the dials, what was sent, and events on request.
struct ControlRoutes: Sendable {
    let home: SandboxHome

    func add(to router: some RouterMethods<BusRequestContext>) {
        router.resource("/sandbox/clock", [.get: showClock, .post: moveClock])
        router.resource("/sandbox/faults", [.get: showFaults, .put: setFaults])
        router.resource("/sandbox/events", [.get: showEvents])
        router.resource("/sandbox/events/:id/resend", [.post: resend])
        router.resource("/sandbox/trigger/:type", [.post: trigger])
    }

    // MARK: Clock

    @Sendable private func showClock(_: Request, _: BusRequestContext) -> Response {
        let (now, stands) = home.clock
        return answer([
            "now": .string(now.rfc3339), "unix": .integer(now.seconds), "runs": .bool(!stands),
        ])
    }

    @Sendable private func moveClock(_ request: Request, _: BusRequestContext) async throws -> Response {
        let body = try await json(of: request)
        guard case .object(let members) = body, Set(members.keys) == ["advance"],
            let duration = body["advance"]?.text.flatMap({ Duration(goSyntax: $0) }),
            1...Limits.sandboxAdvanceSecondsMax ~= duration.components.seconds
        else {
            throw BusError(
                .invalidRequest, "send how far the clock moves, such as {\"advance\":\"31d\"}, at most 3 years")
        }
        let (now, events) = home.advance(bySeconds: duration.components.seconds)
        return answer([
            "now": .string(now.rfc3339), "unix": .integer(now.seconds), "events": .integer(Int64(events)),
        ])
    }

    // MARK: Faults

    @Sendable private func showFaults(_: Request, _: BusRequestContext) -> Response {
        answer(FaultBody.json(of: home.dials))
    }

    @Sendable private func setFaults(_ request: Request, _: BusRequestContext) async throws -> Response {
        home.dials = try FaultBody.dials(in: try await json(of: request))
        return answer(FaultBody.json(of: home.dials))
    }

    // MARK: Events

    @Sendable private func showEvents(_ request: Request, _: BusRequestContext) -> Response {
        let wanted = request.uri.queryParameters["limit"].flatMap { Int($0) } ?? 100
        let deliveries = home.deliveries(count: min(max(wanted, 1), Limits.sandboxDeliveriesKept))
        return answer(["events": .array(deliveries.map(\.json))])
    }

    @Sendable private func resend(_: Request, _ context: BusRequestContext) throws -> Response {
        let id = try context.parameters.require("id")
        guard home.resend(id) else { throw BusError(.notFound, "there is no event \(id); see /sandbox/events") }
        return answer(["resent": .string(id)])
    }

    @Sendable private func trigger(_ request: Request, _ context: BusRequestContext) throws -> Response {
        var sample = SampleEvent(try context.parameters.require("type"))
        let query = request.uri.queryParameters
        if let account = query["account_id"] { sample.accountID = String(account) }
        if let features = query["features"] { sample.features = String(features) }
        sample.planID = query["plan_id"].map { String($0) }
        sample.connectedAccount = query["account"].map { String($0) }
        sample.isLive = query["livemode"] == "true"
        guard sample.type.utf8.allSatisfy(\.isNameByte) else {
            throw BusError(.invalidRequest, "the type must be letters, digits, dots and underscores")
        }
        let ids = home.trigger(sample)
        return answer(["events": .array(ids.map { .string($0) })])
    }

    // MARK: Bodies

    private func json(of request: Request) async throws -> JSONValue {
        let body = try await request.collectedBody(bytesMax: Limits.sandboxBodyBytesMax)
        do {
            return try JSONValue(parsing: body)
        } catch {
            throw BusError(.badRequest, "the body is not JSON; check its form", cause: error)
        }
    }

    private func answer(_ value: JSONValue) -> Response {
        Response(json: value.serialized())
    }
}

extension WebhookOutbox.Delivery {
    /// How it shows: which event went where, and what was answered.
    var json: JSONValue {
        let answers = answers.map { answer -> JSONValue in
            switch answer {
            case .status(let status): ["status": .integer(Int64(status))]
            case .failure(let text): ["error": .string(text)]
            }
        }
        return [
            "id": .string(event.id), "type": .string(event.type), "created": .integer(event.created),
            "url": .string(target.url), "state": .string(state.rawValue), "answers": .array(answers),
        ]
    }
}
