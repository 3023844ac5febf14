import Glibc

/// Lets one process at a time open a database file: a lock on a file beside it, which stays there empty.
///
/// Turning on the write-ahead log needs the database alone, and SQLite's busy time-out does not wait for that.
struct OpeningLock: ~Copyable {
    private let descriptor: Int32

    /// Waits until nobody else opens the database at `path`.
    init(path: String) throws(SQLFault) {
        let file = path + ".lock"
        descriptor = open(file, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw .unusablePath(file) }
        while flock(descriptor, LOCK_EX) != 0 {
            guard errno == EINTR else {
                close(descriptor)
                throw .unusablePath(file)
            }
        }
    }

    deinit { close(descriptor) }
}
