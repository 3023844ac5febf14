import BusRuntime
import Logging
import ServiceLifecycle

/// Stops last and closes the file, so that every accepted change is stored.
package struct StorageCloser: Service {
    private let database: SQLiteDatabase
    private let logger: Logger

    /// A closer for a process's database.
    package init(database: SQLiteDatabase, logger: Logger) {
        self.database = database
        self.logger = logger
    }

    /// Waits for the shutdown.
    package func run() async throws {
        try await gracefulShutdown()
        do { try database.close() } catch { logger.warning("store not closed", metadata: ["error": "\(error)"]) }
    }
}
