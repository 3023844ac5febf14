import BusCore
import BusRuntime
import Glibc

/// A command line that runs `.bus` files (bus.md 8.2).
package struct BusFileOptions: Equatable, Sendable {
    package var folder: String?
    package var checksOnly = false
    package var traces = false
    package var transaction = "none"
    package var scope = "file"
    package var files: [String] = []

    /// Reads the command line; nil when its first word is no `.bus` file, and so a command.
    ///
    /// - Parameter isScript: Whether a path is an executable with our first line, looked at from a folder.
    package static func recognized(
        _ arguments: [String], isScript: (_ path: String, _ folder: String?) -> Bool
    ) throws(ProcessFailure) -> BusFileOptions? {
        var options = BusFileOptions()
        var index = 0
        while index < arguments.count {
            let argument = arguments[index]
            if !argument.hasPrefix("-") || argument == "-" {
                guard argument.hasSuffix(".bus") || isScript(argument, options.folder) else {
                    if options.files.isEmpty { return nil }
                    throw usage("\"\(argument)\" is no .bus file; name only .bus files")
                }
                options.files.append(argument)
                index += 1
            } else if try !options.take(arguments, at: &index) {
                if options.files.isEmpty { return nil }
                throw usage("\(argument) cannot stand after a .bus file; write it into the file as a line of its own")
            }
        }
        if options.files.isEmpty { return nil }
        try options.check()
        return options
    }

    /// Takes the option at `index`; false when it is none of ours or has no value.
    private mutating func take(_ arguments: [String], at index: inout Int) throws(ProcessFailure) -> Bool {
        let parts = arguments[index].split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let name = String(parts[0])
        switch name {
        case "--check" where parts.count == 1: checksOnly = true
        case "--trace" where parts.count == 1: traces = true
        case "-C", "--chdir", "--transaction", "--scope":
            var value = parts.count == 2 ? String(parts[1]) : nil
            if value == nil, index + 1 < arguments.count {
                index += 1
                value = arguments[index]
            } else if value == nil || name == "-C" || name == "--chdir" {
                return false
            }
            switch name {
            case "--transaction": transaction = value ?? ""
            case "--scope": scope = value ?? ""
            default: folder = value
            }
        default: return false
        }
        index += 1
        return true
    }

    private func check() throws(ProcessFailure) {
        guard ["none", "fs", "git", "snapshot", "copy"].contains(transaction) else {
            throw BusFileOptions.usage(
                "--transaction is \"\(transaction)\"; it may be none, fs, git, snapshot or copy")
        }
        guard ["file", "batch"].contains(scope) else {
            throw BusFileOptions.usage("--scope is \"\(scope)\"; it may be file or batch")
        }
    }

    private static func usage(_ message: String) -> ProcessFailure {
        ProcessFailure(exitCode: 2, message)
    }

    /// True for an executable file whose first line is one of the two that start `bus`.
    static func isScript(_ path: String, in folder: String?) -> Bool {
        let place = path.hasPrefix("/") ? path : folder.map { "\($0)/\(path)" } ?? path
        var status = stat()
        guard stat(place, &status) == 0, status.st_mode & S_IFMT == S_IFREG, access(place, X_OK) == 0 else {
            return false
        }
        let descriptor = open(place, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        var start = [UInt8](repeating: 0, count: 32)
        let count = read(descriptor, &start, start.count)
        let line = start.prefix(max(count, 0)).prefix { $0 != UInt8(ascii: "\n") }
        return ["#!/usr/bin/env bus", "#!/usr/bin/bus"].contains(String(decoding: line, as: UTF8.self))
    }
}
