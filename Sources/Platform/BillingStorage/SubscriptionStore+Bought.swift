import BillingCore
import BusCore
import BusSQL

extension SubscriptionStore {
    /// Hands over every subscription of a mode that an account pays for or owes for, with what its plans depend on.
    package func eachBought(in mode: BillingMode, _ body: (SubscriptionStanding) throws -> Void) throws {
        try connection.each(
            SubscriptionStore.ofMode + " AND status IN ('active', 'past_due') AND account_id <> ''",
            [.integer(mode.livemode ? 1 : 0)]
        ) { row in
            try body(SubscriptionRow.plan(row))
            return true
        }
    }

    /// Hands over every subscription of a mode that was stored anew since a moment, with what its plans depend on.
    package func eachChanged(
        since moment: Timestamp, in mode: BillingMode, _ body: (SubscriptionStanding) throws -> Void
    ) throws {
        try connection.each(
            SubscriptionStore.ofMode + " AND updated_at >= $2",
            [.integer(mode.livemode ? 1 : 0), .integer(moment.nanoseconds)]
        ) { row in
            try body(SubscriptionRow.plan(row))
            return true
        }
    }

    private static let ofMode: SQL =
        "SELECT " + SubscriptionRow.planColumns + " FROM bus_billing_subscriptions WHERE livemode = $1"

    /// False before the billing worker has made its tables.
    static func exists(on connection: any SQLConnection) throws -> Bool {
        try connection.first("SELECT 1 FROM bus_schema_versions WHERE name = 'billing'") != nil
    }
}
