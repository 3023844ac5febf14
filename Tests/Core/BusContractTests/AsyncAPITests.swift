import BusContract
import BusCore
import Foundation
import TestSupport
import Testing

/// `api/asyncapi.json` is made from the messages themselves; `BUS_GOLDEN=write` makes it anew.
@Suite struct AsyncAPITests {
    /// One event: its name, the exchange's rules, and the schema of its payload.
    private struct Event {
        let name: EventName
        let rules: ExchangeRules
        let answers: EventName?
        let schema: JSONValue
    }

    @Test("the document has every event of ours with every field and required mark that the code has")
    func document() throws {
        let events = try Self.events()
        let known = Set(ExchangeRules.all.flatMap { [$0.request, $0.response] })
        #expect(Set(events.map(\.name)) == known, "an exchange without a sample here")
        var channels: [String: JSONValue] = [:]
        var operations: [String: JSONValue] = [:]
        var messages: [String: JSONValue] = [:]
        for event in events {
            let id = event.name.text
            channels[id] = [
                "address": .string(id), "messages": [id: ["$ref": .string("#/components/messages/\(id)")]],
            ]
            operations["send \(id)"] = [
                "action": "send", "channel": ["$ref": .string("#/channels/\(id)")],
                "summary": .string("Needs the scope \(event.rules.scope.rawValue)."),
            ]
            messages[id] = [
                "name": .string(id), "contentType": "application/json",
                "summary": .string(
                    event.answers.map { "Answers \($0)." } ?? "Answered by \(event.rules.response)."),
                "correlationId": ["location": "$message.payload#/correlationId"],
                "payload": [
                    "allOf": [
                        ["$ref": "#/components/schemas/Envelope"],
                        ["properties": ["name": ["const": .string(id)], "payload": event.schema]],
                    ]
                ],
            ]
        }
        let document: JSONValue = [
            "asyncapi": "3.0.0",
            "info": [
                "title": "Events of Bus billing and Stripe", "version": "1",
                "description": """
                Payloads in the form that our programs write. Readers take older spellings too and ignore unknown \
                members: docs/contract. Published and streamed by the Events API: openapi-events.yaml.
                """,
            ],
            "channels": .object(channels), "operations": .object(operations),
            "components": ["messages": .object(messages), "schemas": ["Envelope": Self.envelope]],
        ]
        #expect(try Golden.difference(Self.pretty(document), from: "api/asyncapi.json") == nil)
    }

    private static let envelope: JSONValue = [
        "type": "object", "required": ["id", "name", "timestamp", "payload"],
        "properties": [
            "id": ["type": "string"], "name": ["type": "string"],
            "timestamp": ["type": "string", "format": "date-time"], "correlationId": ["type": "string"],
            "metadata": [
                "type": "object", "additionalProperties": ["type": "string"],
                "properties": ["traceparent": ["type": "string"], "tracestate": ["type": "string"]],
            ],
            "payload": ["type": "object"],
            "error": [
                "type": "object", "required": ["code", "message"],
                "properties": ["code": ["type": "string"], "message": ["type": "string"]],
            ],
        ],
    ]

    private static func pretty(_ value: JSONValue) throws -> String {
        let object = try JSONSerialization.jsonObject(with: Data(value.serialized()))
        let bytes = try JSONSerialization.data(
            withJSONObject: object, options: [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes])
        return String(decoding: bytes, as: UTF8.self) + "\n"
    }

    private static func events() throws -> [Event] {
        func both<Q: Message, A: Message>(
            _ exchange: Exchange<Q, A>, _ request: [String: JSONValue], _ responses: [String: JSONValue]...
        ) throws -> [Event] {
            [
                Event(
                    name: exchange.request, rules: exchange.rules, answers: nil,
                    schema: try PayloadSchema.of(Q.self, like: [request])),
                Event(
                    name: exchange.response, rules: exchange.rules, answers: exchange.request,
                    schema: try PayloadSchema.of(A.self, like: responses)),
            ]
        }
        let moment: JSONValue = "2026-09-01T16:04:59Z"
        let session: [String: JSONValue] = ["url": "https://u", "provider": "stripe"]
        let status = Samples.status.with([
            "plan_unknown": true, "current_period_end": moment, "cancel_at": moment, "grace_until": moment,
            "collection_paused": "void",
        ])
        let checkout = Samples.checkout.with(["interval": "month", "additional": true])
        let denial = Samples.denial.with(["hold_id": "h", "hold_until": moment, "grace_until": moment])
        let verified: [String: JSONValue] = [
            "payload": "x", "signature": "s", "provider": "stripe",
        ]
        let verdict = Samples.verdict.with([
            "ignored_fields": ["x"], "provider_customer_id": "cus_1", "provider_subscription_id": "sub_1",
            "plan_id": "p",
        ])
        let ignored = Samples.verdict.with(["subscription_update_emitted": false, "ignored_reason": "r"])
        let toCheckOut =
            try both(.status, ["account_id": Samples.account], status)
            + both(.checkoutSession, checkout, session) + both(.portalSession, Samples.checkout, session)
            + both(.entitlementCheck, Samples.check.with(["hold": false]), denial)
        let updates =
            try both(.subscriptionUpdate, Samples.update, Samples.result)
            + both(.unlinkedUpdate, Samples.update, Samples.result)
            + both(.customerDeletion, Samples.customerDeletion, ["applied": true])
            + both(.usageExport, Samples.usage, Samples.usageAnswer)
            + both(.usageRefusal, Samples.usageRefusal, ["marked": 1])
            + both(.accountForget, Samples.forget, Samples.forgotten)
        return try toCheckOut + updates + both(.stripeCheckout, Samples.providerCheckout, Samples.page)
            + both(.stripePortal, Samples.providerCheckout, Samples.page)
            + both(.stripeMeterEvent, Samples.meter, Samples.meterAnswer.with(["ignored_fields": ["x"]]))
            + both(.stripeObserve, Samples.observe, Samples.observe)
            + both(.webhookVerify, verified, verdict, ignored, ["verified": false])
    }
}

extension [String: JSONValue] {
    fileprivate func with(_ more: [String: JSONValue]) -> Self { merging(more) { $1 } }
}

/// The JSON Schema of a message, found by asking it: what it writes, and what it cannot be read without.
private enum PayloadSchema {
    /// Of several samples, for a message that comes in several forms, what all of them need is required.
    static func of<M: Message>(_: M.Type, like samples: [[String: JSONValue]]) throws -> JSONValue {
        var properties: [String: JSONValue] = [:]
        var required: Set<String>?
        var named: Set<String> = []
        for sample in samples {
            var message = try M(JSONText(.object(sample)), publishedAt: .earliest)
            let written = try message.payload.value()
            var names = FieldNames()
            message.visit(&names)
            named.formUnion(names.names)
            let form = schema(of: written) { (try? M(JSONText($0), publishedAt: .earliest)) != nil }
            guard case .object(let members)? = form["properties"] else { continue }
            properties.merge(members) { first, _ in first }
            let needed = Set((form["required"]?.elements ?? []).compactMap(\.text))
            required = required?.intersection(needed) ?? needed
        }
        #expect(named.subtracting(properties.keys) == [], "the samples of \(M.self) lack fields")
        var schema: [String: JSONValue] = ["type": "object", "properties": .object(properties)]
        if let required, !required.isEmpty { schema["required"] = .array(required.sorted().map { .string($0) }) }
        return .object(schema)
    }

    /// - Parameter isReadable: Whether the message is read with another value in this place.
    private static func schema(of value: JSONValue, _ isReadable: (JSONValue) -> Bool) -> JSONValue {
        switch value {
        case .object(let members):
            var properties: [String: JSONValue] = [:]
            var required: [JSONValue] = []
            for (name, member) in members.sorted(by: { $0.key < $1.key }) {
                var changed = members
                changed[name] = nil
                if !isReadable(.object(changed)) { required.append(.string(name)) }
                properties[name] = schema(of: member) {
                    changed[name] = $0
                    return isReadable(.object(changed))
                }
            }
            var schema: [String: JSONValue] = ["type": "object", "properties": .object(properties)]
            if !required.isEmpty { schema["required"] = .array(required) }
            return .object(schema)
        case .array(let elements):
            guard let first = elements.first else { return ["type": "array"] }
            return ["type": "array", "items": schema(of: first) { isReadable(.array([$0])) }]
        case .string(let text):
            if Timestamp(rfc3339: text) != nil { return ["type": "string", "format": "date-time"] }
            return UUIDText.normalized(text) == nil ? ["type": "string"] : ["type": "string", "format": "uuid"]
        case .bool: return ["type": "boolean"]
        default: return ["type": "integer"]
        }
    }
}

/// Notes every field that a message has, present or not.
private struct FieldNames: FieldVisitor {
    var names: Set<String> = []

    mutating func optional<Form: FieldForm>(
        _ name: String, _: [String], _: Form, _: inout Form.Value?
    ) throws(Never) {
        names.insert(name)
    }

    func reading(_: (MessageReader) throws(FieldFault) -> Void) throws(Never) {}

    func writing(_: (inout JSONWriter) -> Void) {}
}
