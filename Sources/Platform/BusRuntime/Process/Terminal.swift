import Glibc

/// Standard output is data, standard error is diagnostics.
package enum Terminal {
    /// A line of data.
    package static func output(_ text: String) {
        write(text + "\n", to: STDOUT_FILENO)
    }

    /// A diagnostic that carries its own prefix.
    package static func diagnostic(_ text: String, terminator: String = "\n") {
        write(text + terminator, to: STDERR_FILENO)
    }

    /// Ignores a reader that went away: there is nobody left to tell.
    private static func write(_ text: String, to descriptor: Int32) {
        _ = write(Array(text.utf8), to: descriptor)
    }

    /// Writes everything, however slowly it is read; the error number when that fails, else 0.
    package static func write(_ bytes: [UInt8], to descriptor: Int32) -> Int32 {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count >= 0 {
                rest = rest.dropFirst(count)
            } else if errno == EAGAIN {
                // Whoever shares the terminal or pipe with us may have made it non-blocking.
                var wanted = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                _ = poll(&wanted, 1, -1)
            } else if errno != EINTR {
                return errno
            }
        }
        return 0
    }
}
