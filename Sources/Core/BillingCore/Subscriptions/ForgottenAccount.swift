import BusContract
import BusCore
import Crypto

/// An account whose rows name nobody any more (docs/contract/billing.md, "Forgotten accounts").
package enum ForgottenAccount {
    /// The id that its rows go by: always the same, and no way back to the account's own.
    package static func alias(of accountID: String) -> String {
        SHA256.hash(data: Array("forgotten account \(accountID)".utf8)).withUnsafeBytes { digest in
            UUIDText.version8(
                high: UInt64(bigEndian: digest.loadUnaligned(as: UInt64.self)),
                low: UInt64(bigEndian: digest.loadUnaligned(fromByteOffset: 8, as: UInt64.self)))
        }
    }
}

extension Subscription {
    /// The same subscription with another id in the place of an account's, and without the account's customer.
    ///
    /// - Parameter isOwn: The account has it now, so the customer of updates that name no account is its own too.
    package func forgetting(_ accountID: String, as alias: String, isOwn: Bool) -> Subscription {
        func forget(_ update: SubscriptionUpdate) -> SubscriptionUpdate {
            var update = update
            if update.accountID == accountID { update.accountID = alias }
            if update.accountID == alias || isOwn { update.providerCustomerID = nil }
            return update
        }
        let order = SubscriptionOrder(
            deletion: order.deletion.map(forget), checkout: order.checkout.map(forget),
            updates: order.updates.map(forget),
            before: order.before.map {
                SubscriptionOrder.Before(newest: forget($0.newest), first: $0.first, last: $0.last)
            })
        var told = told
        if let account = told.account, account.value == accountID {
            told.account = Told(alias, at: account.at, eventID: account.eventID)
        }
        if isOwn { told.customer = told.customer.map { Told(nil, at: $0.at, eventID: $0.eventID) } }
        return Subscription(key.forgetting(accountID, as: alias), order: order, told: told)
    }
}

extension SubscriptionKey {
    /// The key of the same subscription; the one unnamed subscription of an account has the account in it.
    fileprivate func forgetting(_ accountID: String, as alias: String) -> SubscriptionKey {
        SubscriptionKey(
            provider: provider, livemode: livemode,
            name: name == SubscriptionKey.unnamed(of: accountID) ? SubscriptionKey.unnamed(of: alias) : name)
    }
}
