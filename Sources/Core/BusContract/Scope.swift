/// What a token may do, as its `scope` claim spells it.
package struct Scope: RawRepresentable, Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The claim's word, `billing:read`.
    package let rawValue: String

    /// A scope of another service.
    package init(rawValue: String) {
        self.rawValue = rawValue
    }

    /// The claim's word.
    package var description: String { rawValue }

    /// Byte order.
    package static func < (left: Scope, right: Scope) -> Bool { left.rawValue < right.rawValue }
}

extension Scope {
    /// Reads an account's standing and opens its portal.
    package static let billingRead = Scope(rawValue: "billing:read")
    /// Starts a checkout.
    package static let billingSetup = Scope(rawValue: "billing:setup")
    /// Asks whether an account may use a feature.
    package static let entitlementCheck = Scope(rawValue: "billing:entitlement:check")
    /// Says what an account has bought.
    package static let subscriptionWrite = Scope(rawValue: "billing:subscription:write")
    /// Hands usage to the payment company.
    package static let usageExport = Scope(rawValue: "billing:usage:export")
    /// Asks the payment company's worker.
    package static let provider = Scope(rawValue: "billing:provider")
    /// Everything else below `bus.billing.`.
    package static let billingAdmin = Scope(rawValue: "billing:admin")
    /// Reads the catalog.
    package static let catalogRead = Scope(rawValue: "billing:catalog:read")
    /// Replaces the catalog.
    package static let catalogWrite = Scope(rawValue: "billing:catalog:write")
    /// Sends events outside the protected namespaces.
    package static let eventsSend = Scope(rawValue: "events:send")
    /// Hears events outside the protected namespaces.
    package static let eventsListen = Scope(rawValue: "events:listen")
    /// Manages dead letters.
    package static let eventsAdmin = Scope(rawValue: "events:admin")
}
