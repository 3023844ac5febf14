import FoundationEssentials

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The folder of the programs that were built together with the tests.
package enum Products {
    /// A program's absolute path; an absolute path stays as it is.
    package static func path(of program: String) -> String {
        if program.hasPrefix("/") { return program }
        let bundle = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        let folder = bundle.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
        return "\(folder)/\(program)"
    }
}

/// The repository the tests were built from.
package enum Repository {
    /// Absolute path of a file in it.
    package static func path(_ relative: String) -> String {
        let folders = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(4)
        return (folders + [Substring(relative)]).joined(separator: "/")
    }

    /// Text of a file in it.
    package static func text(_ relative: String) throws -> String {
        try String(contentsOf: URL(filePath: path(relative)), encoding: .utf8)
    }

    /// The Python that has Stripe's official package; `Scripts/setup-judge` makes it.
    package static var judgePython: String { path(".build/judge-venv/bin/python") }
}

/// An empty folder that is removed with the last reference to it.
package final class TemporaryFolder: Sendable {
    /// Its absolute path.
    package let path: String

    /// Makes a folder.
    package init() throws {
        var template = Array("\(FileManager.default.temporaryDirectory.path)/bus-test-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw CocoaError(.fileWriteUnknown) }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)  // What stays is in the system's temporary folder.
    }

    /// Writes a file only its owner can read and returns its path.
    package func write(_ text: String, to name: String) throws -> String {
        let file = "\(path)/\(name)"
        try Data(text.utf8).write(to: URL(filePath: file))
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: file)
        return file
    }
}

/// Signals by number.
package enum BusSignal {
    /// Asks a process to stop.
    package static let terminate = SIGTERM
    /// Ends a process at once.
    package static let kill = SIGKILL

    /// False when there is no such process any more.
    package static func send(_ signal: Int32, to process: Int32) -> Bool {
        Glibc.kill(process, signal) == 0
    }
}

/// Ports for servers that must come back on the same one.
package enum FreePort {
    /// A loopback port nobody listens on, outside the range that the system hands out for outgoing connections.
    package static func next() throws -> Int {
        for _ in 0..<1_000 {
            let port = Int.random(in: 20_000..<32_000)
            if isFree(port) { return port }
        }
        throw NeverHappened(what: "a port is free")
    }

    private static func isFree(_ port: Int) -> Bool {
        let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard socket >= 0 else { return false }
        defer { close(socket) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(UInt16(port).bigEndian)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }
}

/// How many files and connections this process and those it starts may hold open.
package enum OpenFiles {
    /// Raises the limit as far as the system allows, up to `wanted`, and returns what it is now.
    @discardableResult
    package static func raise(to wanted: Int) -> Int {
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        if limit.rlim_cur < rlim_t(wanted) {
            limit.rlim_cur = min(limit.rlim_max, rlim_t(wanted))
            setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
            getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        }
        return Int(limit.rlim_cur)
    }
}
