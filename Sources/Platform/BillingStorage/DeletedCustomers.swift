import BusContract
import BusCore
import BusSQL

/// Customers that a payment company knows no longer (docs/contract/billing.md, "Deleted customers").
///
/// Their ids never come back, so a row stays for good and every reading of a standing looks here.
package struct DeletedCustomers {
    private let connection: any SQLConnection

    /// The customers in a transaction.
    package init(_ connection: any SQLConnection) {
        self.connection = connection
    }

    /// Forgets a customer; false when it was forgotten already.
    package func forget(_ deletion: CustomerDeletion, at now: Timestamp) throws -> Bool {
        try connection.run(
            """
            INSERT INTO bus_billing_deleted_customers (provider, livemode, customer_id, deleted_at)
            VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING
            """,
            [
                .text(deletion.provider), .integer(deletion.livemode ? 1 : 0), .text(deletion.providerCustomerID),
                .integer(now.nanoseconds),
            ]) == 1
    }
}

extension BillingSchema {
    /// Customers that are gone.
    static let deletedCustomers = SQLMigration { _ in
        [
            """
            CREATE TABLE bus_billing_deleted_customers (
              provider TEXT NOT NULL, livemode BIGINT NOT NULL, customer_id TEXT NOT NULL, deleted_at BIGINT NOT NULL,
              PRIMARY KEY (provider, livemode, customer_id))
            """
        ]
    }
}
