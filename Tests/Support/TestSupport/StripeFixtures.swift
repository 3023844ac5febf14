import Foundation

/// Our own full-shape Stripe events, in today's API version and in one from before 2025-03.
package enum StripeFixture {
    /// The API versions the events are kept in.
    package static let versions = ["2026-07-29.dahlia", "2023-10-16"]
    /// The account in every fixture's metadata.
    package static let accountID = "6c0e7f6a-0000-4000-8000-000000000001"

    /// The bytes of one event as Stripe would send them, pretty-printed.
    package static func event(_ type: String, version: String = versions[0]) throws -> [UInt8] {
        let name = "Fixtures/stripe/\(type).\(version)"
        guard let url = Bundle.module.url(forResource: name, withExtension: "json") else {
            throw MissingFixture(name: name)
        }
        return [UInt8](try Data(contentsOf: url))
    }

    struct MissingFixture: Error {
        let name: String
    }
}
