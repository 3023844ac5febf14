import BusAuth
import BusContract
import BusCore
import BusServer
import Hummingbird
import HummingbirdCore

/// Acknowledgements, leases and dead letters over HTTP.
extension EventRoutes {
    @Sendable func acknowledge(_ request: Request, _: BusRequestContext) async throws -> Response {
        streaming.pace.noteRequest()
        let principal = try await authenticator.principal(of: request)
        let body = try DeliveryBody(
            try await request.collectedBody(bytesMax: Limits.batchBodyBytesMax), haveOutcomes: true)
        for (index, entry) in body.entries.enumerated() {
            guard let name = entry.reply?.envelope.name else { continue }
            try require(
                AccessPolicy.scope(for: name, to: .send), of: principal, for: name, place: "delivery \(index): ")
        }
        let answers = body.entries.map { entry in
            DeliveryAnswer(
                id: entry.id, outcome: entry.outcome ?? .done, reply: entry.reply.map { draft($0, principal) })
        }
        let accepted = try await ledger.acknowledge(
            answers, in: DeliveryGroup(owner: owner(of: principal), name: body.group), mayListen: listening(principal))
        lines.tell(answers.lazy.compactMap(\.reply), accepted.replies)
        return Response { writer in
            writer.object { writer in
                writer.member("acknowledged", Int64(accepted.known))
                writer.member("unknown", Int64(answers.count - accepted.known))
                if accepted.replies.isEmpty { return }
                writer.key("replies")
                writer.array { writer in for reply in accepted.replies { write(reply, to: &writer) } }
            }
        }
    }

    private func write(_ reply: AcceptedEvent?, to writer: inout JSONWriter) {
        guard let reply else { return writer.raw("null".utf8) }
        writer.object { writer in
            writer.member("id", reply.id)
            writer.member("name", reply.name.text)
            writer.member("duplicate", reply.isDuplicate)
        }
    }

    @Sendable func extendLeases(_ request: Request, _: BusRequestContext) async throws -> Response {
        let principal = try await authenticator.principal(of: request)
        let body = try DeliveryBody(
            try await request.collectedBody(bytesMax: Limits.eventBodyBytesMax), haveOutcomes: false)
        let ids = body.entries.map(\.id)
        let extended = try await ledger.extend(
            ids.compactMap { $0 }, in: DeliveryGroup(owner: owner(of: principal), name: body.group),
            mayListen: listening(principal))
        return counts("extended", extended, unknown: ids.count - extended)
    }

    @Sendable func listDeadLetters(_ request: Request, _: BusRequestContext) async throws -> Response {
        let principal = try await authenticator.principal(of: request)
        let values = QueryValues(
            pairs: request.uri.queryParameters.map { (key: String($0.key), value: String($0.value)) })
        let group = values.first("group") == nil ? nil : try values.label("group")
        let limit = try values.integer("limit", in: 1...Limits.deadLetterPageMax) ?? 100
        var after: Int64 = 0
        if let text = values.first("after") {
            guard let number = DeadLetter.number(of: text) else {
                throw values.fault("after", "is not the id of a dead letter", "send the last id of the page before")
            }
            after = number
        }
        try requireAdministrator(principal)
        let letters = try await ledger.deadLetters(group: group, after: after, limit: limit)
        return Response { writer in
            writer.object { writer in
                writer.key("deadLetters")
                writer.array { writer in
                    for letter in letters { letter.write(to: &writer) }
                }
            }
        }
    }

    @Sendable func replayDeadLetters(_ request: Request, _: BusRequestContext) async throws -> Response {
        let principal = try await authenticator.principal(of: request)
        let bytes = try await request.collectedBody(bytesMax: Limits.eventBodyBytesMax)
        let (selection, unreadable) = try DeliveryBody.replay(bytes)
        try requireAdministrator(principal)
        let replayed = try await ledger.replay(selection)
        guard case .numbers(let numbers) = selection else { return counts("replayed", replayed, unknown: 0) }
        return counts("replayed", replayed, unknown: numbers.count + unreadable - replayed)
    }

    private func listening(_ principal: Principal) -> @Sendable (EventName) -> Bool {
        { principal.has(AccessPolicy.scope(for: $0, to: .listen)) }
    }

    private func counts(_ what: String, _ count: Int, unknown: Int) -> Response {
        Response { writer in
            writer.object { writer in
                writer.member(what, Int64(count))
                writer.member("unknown", Int64(unknown))
            }
        }
    }
}

extension DeadLetter {
    /// The record's id on the wire.
    var id: String { "dl_\(number)" }

    /// Reads an id back; nil for other texts.
    static func number(of id: String) -> Int64? {
        id.hasPrefix("dl_") ? Int64(id.dropFirst(3)) : nil
    }

    fileprivate func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.member("id", id)
            writer.member("eventId", eventID)
            writer.member("name", name)
            writer.member("group", group.name)
            writer.member("source", optional: source)
            writer.member("provider", optional: provider)
            writer.member("code", code)
            writer.member("retryCount", Int64(attempts))
            writer.member("correlationId", optional: correlationID)
            writer.member("firstAt", firstAt.rfc3339)
            writer.member("lastAt", lastAt.rfc3339)
        }
    }
}
