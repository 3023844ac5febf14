import BusRuntime
import Logging
import NIOPosix
import ServiceLifecycle

/// Stops last and closes the database, so that every accepted change is stored.
package struct StorageCloser: Service {
    private let database: any SQLDatabase
    private let logger: Logger

    /// A closer for a process's database.
    package init(database: any SQLDatabase, logger: Logger) {
        self.database = database
        self.logger = logger
    }

    /// Waits for the shutdown.
    package func run() async throws {
        try await gracefulShutdown()
        do {
            // It waits for the threads of the database, and the thread it waits on must be needed by nobody else.
            try await NIOThreadPool.singleton.runIfActive { [database] in try database.close() }
        } catch {
            logger.warning("store not closed", metadata: ["error": "\(error)"])
        }
    }
}
