/// Bounds of a PostgreSQL database and of those who use it.
extension Limits {
    /// Connections of a process for short reads, beside its writer.
    package static let postgresReadersMax = 4
    /// Connections of a process for long reads, which short ones never wait for.
    package static let postgresLongReadersMax = 2
    /// Time to connect to a server, unless the URL says another.
    package static let postgresConnectSeconds = 5
    /// Time after which the server ends a statement of the writer or of a short read.
    package static let postgresStatementSeconds = 10
    /// Time after which the server ends a statement of a long read.
    package static let postgresLongStatementSeconds = 60
    /// Time beyond the server's own limit after which a silent connection counts as lost.
    package static let postgresSilenceSeconds = 5
    /// Time that a read may wait for a free connection.
    package static let postgresQueueSeconds = 5
    /// Pause after the first failure to connect; it doubles with each further one.
    package static let postgresReconnectMillisecondsMin = 100
    /// Longest pause between two tries to connect.
    package static let postgresReconnectMillisecondsMax = 2_000
    /// Messages to other nodes that wait while the database is slow; those before them are left out.
    package static let postgresNewsWaitingMax = 1_000
    /// Time after which a node looks for itself what the others have appended.
    package static let nodeNewsLookMilliseconds = 1_000
    /// How many such looks there are to one at the deliveries.
    package static let nodeNewsLooksForDeliveries = 30
}
