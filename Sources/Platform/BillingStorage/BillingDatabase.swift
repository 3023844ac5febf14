import BusRuntime
import BusSQL

/// The database that the billing worker and the billing API share; each table has one writer.
package enum BillingDatabase {
    /// Opens the store the settings name.
    package static func open(_ settings: StoreSettings) async throws -> any SQLDatabase {
        try await opening { try await settings.open() }
    }

    /// Runs one step of the start; a store that does not open ends the process, with exit 2 when a setting can mend it.
    package static func opening<Value>(_ step: () async throws -> Value) async throws -> Value {
        do {
            return try await step()
        } catch let fault as SQLFault {
            throw ProcessFailure(
                exitCode: fault.isAboutTheFile ? 2 : 1, "the billing store does not open: \(fault)")
        }
    }
}
