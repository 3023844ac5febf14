import BusAuth
import BusContract
import BusCore
import BusRuntime
import BusServer
import HTTPTypes
import Hummingbird
import HummingbirdCore

/// The Events API over HTTP.
struct EventRoutes: Sendable {
    let authenticator: Authenticator
    let appender: EventAppender
    let streaming: EventStreaming
    let ledger: DeliveryLedger
    let access: AccessSettings
    let lines: PublishLines
    let now: @Sendable () -> Timestamp

    /// Who counts as a service, and what administrators may do.
    struct AccessSettings: Sendable {
        /// Subjects that count as services.
        var serviceSubjects: Set<String> = []
        /// `name=*` is allowed to administrators.
        var allowsWildcard = false
    }

    /// Adds every path under each base path.
    func add(to router: Router<BusRequestContext>, basePaths: [String]) {
        for base in basePaths {
            let events = "\(base)/api/v1/events"
            router.resource(RouterPath(events), [.post: publish])
            router.resource(RouterPath("\(events)/batch"), [.post: publishBatch])
            router.resource(RouterPath("\(events)/stream"), [.get: stream])
            router.resource(RouterPath("\(events)/ack"), [.post: acknowledge])
            router.resource(RouterPath("\(events)/lease"), [.post: extendLeases])
            router.resource(RouterPath("\(events)/dead-letters"), [.get: listDeadLetters])
            router.resource(RouterPath("\(events)/dead-letters/replay"), [.post: replayDeadLetters])
            router.resource(RouterPath("\(events)/capabilities"), [.get: capabilities])
        }
    }

    // MARK: Publishing

    @Sendable private func publish(_ request: Request, _: BusRequestContext) async throws -> Response {
        streaming.pace.noteRequest()
        let principal = try await authenticator.principal(of: request)
        let body = try await request.collectedBody(bytesMax: Limits.eventBodyBytesMax)
        let event = try PublishBody.single(
            body, idempotencyKey: EventRoutes.idempotencyKey.flatMap { request.headers[$0] })
        try require(AccessPolicy.scope(for: event.envelope.name, to: .send), of: principal, for: event.envelope.name)
        let draft = draft(event, principal)
        let accepted = try await appender.append(draft)
        lines.tell(CollectionOfOne(draft), CollectionOfOne(accepted))
        return Response(status: .accepted) { writer in
            writer.object { writer in
                writer.member("accepted", true)
                writer.member("id", accepted.id)
                writer.member("name", accepted.name.text)
                if accepted.isDuplicate { writer.member("duplicate", true) }
            }
        }
    }

    @Sendable private func publishBatch(_ request: Request, _: BusRequestContext) async throws -> Response {
        streaming.pace.noteRequest()
        let principal = try await authenticator.principal(of: request)
        let events = try PublishBody.batch(try await request.collectedBody(bytesMax: Limits.batchBodyBytesMax))
        for (index, event) in events.enumerated() {
            try require(
                AccessPolicy.scope(for: event.envelope.name, to: .send), of: principal, for: event.envelope.name,
                place: "event \(index): ")
        }
        let drafts = events.map { draft($0, principal) }
        let accepted = try await appender.append(batch: drafts)
        lines.tell(drafts, accepted)
        return Response(status: .accepted) { writer in
            writer.object { writer in
                writer.member("accepted", true)
                writer.key("events")
                writer.array { writer in
                    for event in accepted {
                        writer.object { writer in
                            writer.member("id", event.id)
                            writer.member("name", event.name.text)
                            writer.member("duplicate", event.isDuplicate)
                        }
                    }
                }
            }
        }
    }

    /// The event of a caller; one without a trace takes that of its request, when the request came with one.
    func draft(_ event: PublishedEvent, _ principal: Principal) -> StampedEvent {
        var envelope = event.envelope
        if let request = Trace.current, request.parentSpanID != nil, envelope.trace == nil { envelope.trace = request }
        return StampedEvent(envelope, owner: principal.subject, idempotencyKey: event.idempotencyKey, at: now())
    }

    // MARK: Streaming

    @Sendable private func stream(_ request: Request, _ context: BusRequestContext) async throws -> Response {
        let principal = try await authenticator.principal(of: request)
        let pairs = request.uri.queryParameters.map { (key: String($0.key), value: String($0.value)) }
        let query = try StreamRequest(pairs, allowsWildcard: access.allowsWildcard)
        if query.names.isEmpty { try requireAdministrator(principal) }
        for name in query.names { try require(AccessPolicy.scope(for: name, to: .listen), of: principal, for: name) }
        return try await streaming.open(
            query, subject: principal.subject, owner: owner(of: principal),
            connection: context.isFromOwnProcess ? nil : request.body)
    }

    @Sendable private func capabilities(_: Request, _: BusRequestContext) -> Response {
        Response(json: EventRoutes.capabilitiesDocument)
    }

    // MARK: Access

    /// The owner whose events a token may see; nil for service tokens.
    func owner(of principal: Principal) -> String? {
        principal.isService(listedSubjects: access.serviceSubjects) ? nil : principal.subject
    }

    func requireAdministrator(_ principal: Principal) throws(BusError) {
        guard principal.has(.eventsAdmin) else {
            throw BusError(.forbidden, "the token lacks events:admin; use an administrator's token")
        }
    }

    func require(
        _ scope: Scope, of principal: Principal, for name: EventName, place: String = ""
    ) throws(BusError) {
        guard principal.has(scope) else {
            throw BusError(.forbidden, "\(place)\(name) needs the scope \(scope); use a token that has it")
        }
    }

    private static let idempotencyKey = HTTPField.Name("Idempotency-Key")

    private static let capabilitiesDocument =
        JSONText(writing: { writer in
            writer.object { writer in
                writer.key("capabilities")
                writer.array { writer in
                    for name in AccessPolicy.knownNames {
                        writer.object { writer in
                            writer.member("name", name.text)
                            writer.member("send_scope", AccessPolicy.scope(for: name, to: .send).rawValue)
                            writer.member("listen_scope", AccessPolicy.scope(for: name, to: .listen).rawValue)
                        }
                    }
                }
                writer.member("features", EventsFeature.allCases.map(\.rawValue))
            }
        }).bytes
}

extension Response {
    /// A JSON document as `write` writes it.
    init(status: HTTPResponse.Status = .ok, _ write: (inout JSONWriter) -> Void) {
        self.init(status: status, json: JSONText(writing: write).bytes)
    }
}
