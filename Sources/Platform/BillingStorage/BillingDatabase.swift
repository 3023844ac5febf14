import BusRuntime
import BusSQL

/// The database that the billing worker and the billing API share, each table with one writer.
package enum BillingDatabase {
    /// Opens the store the settings name.
    package static func open(_ settings: BillingStoreSettings) async throws -> SQLiteDatabase {
        try await opening {
            settings.backend == .memory ? try SQLiteDatabase() : try await SQLiteDatabase(path: settings.sqlitePath)
        }
    }

    /// Runs a step of a start; a store that does not open ends the process, with exit 2 where a setting is the remedy.
    package static func opening<Value>(_ step: () async throws -> Value) async throws -> Value {
        do {
            return try await step()
        } catch let fault as SQLFault {
            throw ProcessFailure(
                exitCode: fault.isAboutTheFile ? 2 : 1, "the billing store does not open: \(fault)")
        }
    }
}
