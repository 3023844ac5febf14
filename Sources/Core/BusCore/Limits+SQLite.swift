/// Bounds of an SQLite file and of those who use it.
extension Limits {
    /// Connections for short reads of an SQLite file beside its writer.
    package static let sqliteReadersMax = 4
    /// Connections for long reads of an SQLite file, which short ones never wait for.
    package static let sqliteLongReadersMax = 2
    /// New pages in the write-ahead log after which they are copied to the file in the background.
    package static let sqliteCheckpointPages = 250
    /// Pages from which the writer itself makes the write-ahead log begin anew: 64 MiB.
    package static let sqliteLogPagesMax = 16_384
    /// Time the writer waits for readers of the old log when it begins a new one.
    package static let sqliteRestartMilliseconds = 10
    /// Wait for another process's lock on an SQLite file.
    package static let sqliteBusySeconds = 5
}
