import BillingCore
import BusContract
import BusCore
import TestSupport
import Testing

/// Holds whatever the order of arrival, also when everything comes twice.
func expectAll(
    _ updates: [SubscriptionUpdate], sourceLocation: SourceLocation = #_sourceLocation,
    _ isRight: (SubscriptionStanding) -> Bool
) {
    forEachPermutation(of: updates) { order in
        for order in [order, order + order] {
            let standing = SubscriptionHistory.decided(order)?.standing
            #expect(standing.map(isRight) == true, "\(standing as Any)", sourceLocation: sourceLocation)
        }
    }
}

func time(_ second: Int64) -> Timestamp { Timestamp(clampingSeconds: 1_785_600_000 + second) }

func price(_ id: String) -> SubscriptionUpdate.Price {
    var price = SubscriptionUpdate.Price()
    price.id = id
    return price
}

func unlinked(_ update: SubscriptionUpdate) -> SubscriptionUpdate {
    var update = update
    (update.accountID, update.features, update.planID) = (nil, [], nil)
    return update
}

func update(
    _ id: String, _ kind: SubscriptionUpdate.Kind?, _ status: SubscriptionStatus, _ word: String?,
    from previous: String? = nil, at second: Int64 = 0
) -> SubscriptionUpdate {
    var update = SubscriptionUpdate(
        eventID: id, accountID: SubscriptionHistory.account, provider: "stripe", status: status,
        occurredAt: time(second))
    update.providerSubscriptionID = "sub_1"
    update.features = ["llm:proxy"]
    update.planID = "llm-basic"
    update.kind = kind
    update.providerStatus = word
    update.previousProviderStatus = previous
    return update
}
