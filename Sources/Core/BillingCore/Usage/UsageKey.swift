import BusContract
import BusCore
import Crypto

extension UsageExportRequest {
    /// What makes the usage count once: the event's id, or a hash of what was used
    /// (docs/contract/billing.md, "Export key").
    package var idempotencyKey: String {
        if let eventID { return eventID }
        let digest = SHA256.hash(data: Array("\(accountID)|\(meterEventName)|\(quantity)".utf8))
        return "usage_" + hexText(digest).prefix(40)
    }
}

/// Which row of the ledger a usage is: the same key of two accounts, modes or meters means two usages.
package struct UsageKey: Hashable, Sendable {
    /// Whose usage.
    package let accountID: String
    /// Test and live never meet.
    package let mode: BillingMode
    /// The meter that counts it.
    package let meterEventName: String
    /// The caller's key.
    package let text: String

    /// The row of a request.
    package init(_ request: UsageExportRequest, mode: BillingMode) {
        accountID = request.accountID
        self.mode = mode
        meterEventName = request.meterEventName
        text = request.idempotencyKey
    }

    /// The key at the payment company, where all accounts, modes and meters share one space
    /// (docs/contract/billing.md, "Export key").
    package var atProvider: String {
        let place = SHA256.hash(data: Array("\(mode.rawValue)|\(accountID)|\(meterEventName)".utf8))
        let own =
            text.utf8.count <= UsageKey.ownCharactersMax ? text : hexText(SHA256.hash(data: Array(text.utf8)))
        return "\(own)~\(hexText(place).prefix(12))"
    }

    private static let ownCharactersMax = 60
}
