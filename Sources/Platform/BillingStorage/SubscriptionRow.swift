import BillingCore
import BusContract
import BusCore
import BusSQL

/// Stands in until rows hold prices.
enum SubscriptionRow {
    static let columns: SQL = """
        provider, livemode, name, status, undecided, features, plan_id, customer_id, occurred_at, kind,
        provider_status, account_id
        """

    static func standing(_ row: SQLRow) throws -> SubscriptionStanding {
        try SubscriptionStore.standing(row, try row.text(11))
    }
}
