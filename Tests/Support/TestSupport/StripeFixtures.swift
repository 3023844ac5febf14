import Foundation

/// Our own full-shape Stripe events, in today's API version and in one from before 2025-03.
package enum StripeFixture {
    /// The API versions the events are kept in.
    package static let versions = ["2026-07-29.dahlia", "2023-10-16"]
    /// The account in every fixture's metadata.
    package static let accountID = "6c0e7f6a-0000-4000-8000-000000000001"

    /// Types whose events carry the same resource as those of another type.
    private static let siblings = [
        "checkout.session.async_payment_succeeded": "checkout.session.completed",
        "checkout.session.async_payment_failed": "checkout.session.completed",
        "customer.subscription.paused": "customer.subscription.updated",
        "customer.subscription.resumed": "customer.subscription.updated",
    ]

    /// The bytes of one event as Stripe would send them, pretty-printed.
    package static func event(_ type: String, version: String = versions[0]) throws -> [UInt8] {
        let file = siblings[type] ?? type
        let name = "Fixtures/stripe/\(file).\(version)"
        guard let url = Bundle.module.url(forResource: name, withExtension: "json") else {
            throw MissingFixture(name: name)
        }
        let text = String(decoding: try Data(contentsOf: url), as: UTF8.self)
        return Array(text.replacing("\"type\": \"\(file)\"", with: "\"type\": \"\(type)\"").utf8)
    }

    struct MissingFixture: Error {
        let name: String
    }
}
