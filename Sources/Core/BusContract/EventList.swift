import BusCore

/// The events a worker handles and emits, as `--events` shows them.
package struct EventList: Sendable {
    /// How the list is shown.
    package enum Format: String, CaseIterable, Sendable {
        case text, json, asyncapi
    }

    private let module: BusModule
    private let handled: [EventName]
    private let emitted: [EventName]

    private init(_ module: BusModule, alsoEmitted: [EventName]) {
        let exchanges = ExchangeRules.answered(by: module)
        self.module = module
        handled = exchanges.map(\.request)
        emitted = exchanges.map(\.response) + alsoEmitted
    }

    /// The Stripe worker's list.
    package static let stripe = EventList(
        .stripe,
        alsoEmitted: [
            Exchange.subscriptionUpdate.request, Exchange.unlinkedUpdate.request, Exchange.customerDeletion.request,
            Exchange.usageRefusal.request,
        ])

    /// The billing worker's list, with a payment company of this label.
    package static func billing(provider: ProviderLabel) -> EventList {
        EventList(
            .billing,
            alsoEmitted: [
                Exchange.checkout(at: provider).request, Exchange.portal(at: provider).request,
                Exchange.meterEvent(at: provider).request, Exchange.observe(at: provider).request,
            ])
    }

    /// The list in one of its forms.
    package func text(as format: Format) -> String {
        switch format {
        case .text: (handled + emitted).map(\.text).joined(separator: "\n")
        case .json:
            string([
                "module": .string(module.name), "handled": .array(handled.map { .string($0.text) }),
                "emitted": .array(emitted.map { .string($0.text) }),
            ])
        case .asyncapi: string(asyncAPI)
        }
    }

    private var asyncAPI: JSONValue {
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
            "asyncapi": "3.0.0", "info": ["title": .string(module.name), "version": "1.0.0"],
            "channels": .object(channels), "operations": .object(operations),
        ]
    }

    private func string(_ value: JSONValue) -> String {
        String(decoding: value.serialized(), as: UTF8.self)
    }
}
