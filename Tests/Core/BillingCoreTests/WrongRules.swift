import BillingCore
import BusContract
import BusCore

/// Two rules that people write first and that are wrong: they depend on arrival.
enum WrongRule: CaseIterable {
    /// The newest second wins, inside it the last arrival.
    case newestSecondElseLastArrival
    /// A change that starts from the stored status wins, else the newer second.
    case comparedWithTheStoredRowOnly

    func status(_ updates: some Collection<SubscriptionUpdate>) -> SubscriptionStatus? {
        var stored: SubscriptionUpdate?
        for update in updates {
            if let row = stored, row.kind == .deleted || !replaces(row, update) { continue }
            stored = update
        }
        return stored?.status
    }

    private func replaces(_ row: SubscriptionUpdate, _ update: SubscriptionUpdate) -> Bool {
        if update.kind == .deleted { return true }
        switch self {
        case .newestSecondElseLastArrival: return update.occurredAt >= row.occurredAt
        case .comparedWithTheStoredRowOnly:
            if let previous = update.previousProviderStatus, previous == row.providerStatus { return true }
            return update.occurredAt > row.occurredAt
        }
    }
}
