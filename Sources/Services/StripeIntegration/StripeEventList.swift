import BusCore

/// How `--events` shows the list.
package enum EventListFormat: String, CaseIterable, Sendable {
    case text, json, asyncapi
}

/// The events this worker handles and emits (bus.md 4.2, `--events`).
package enum StripeEventList {
    /// Requests this worker answers.
    package static let handled: [EventName] = [
        .checkoutSessionCreateRequest, .portalSessionCreateRequest, .webhookVerifyRequest, .meterEventRecordRequest,
    ]
    /// What it publishes.
    package static let emitted: [EventName] = handled.compactMap(\.response) + [.subscriptionUpdate]

    /// The list in one of its forms.
    package static func text(as format: EventListFormat) -> String {
        switch format {
        case .text: (handled + emitted).map(\.text).joined(separator: "\n")
        case .json:
            string([
                "module": .string(StripeModule.name), "handled": .array(handled.map { .string($0.text) }),
                "emitted": .array(emitted.map { .string($0.text) }),
            ])
        case .asyncapi: string(asyncAPI)
        }
    }

    private static var asyncAPI: JSONValue {
        var channels: [String: JSONValue] = [:]
        var operations: [String: JSONValue] = [:]
        for name in handled + emitted {
            channels[name.text] = [
                "address": .string(name.text),
                "messages": ["event": ["name": .string(name.text), "payload": ["type": "object"]]],
            ]
            operations[name.text] = [
                "action": handled.contains(name) ? "receive" : "send",
                "channel": ["$ref": .string("#/channels/\(name.text)")],
            ]
        }
        return [
            "asyncapi": "3.0.0", "info": ["title": .string(StripeModule.name), "version": "1.0.0"],
            "channels": .object(channels), "operations": .object(operations),
        ]
    }

    private static func string(_ value: JSONValue) -> String {
        String(decoding: value.serialized(), as: UTF8.self)
    }
}
