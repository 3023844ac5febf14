/// How a world begins.
package struct WorldSettings: Hashable, Sendable {
    /// What the last failed charge of an invoice does to its subscription.
    package enum DunningEnd: String, Sendable {
        case canceled, unpaid
    }

    /// All ids and all chance follow from it.
    package var seed: UInt64
    /// The version of events and of calls that name none.
    package var version = APIVersion.current
    /// Where hosted pages are, without a slash at the end; sessions have their addresses below it.
    package var pagesURL = "http://127.0.0.1:12111/local/stripe"
    /// What ends dunning.
    package var dunningEnd = DunningEnd.canceled

    /// The settings of a seed.
    package init(seed: UInt64) {
        self.seed = seed
    }
}
