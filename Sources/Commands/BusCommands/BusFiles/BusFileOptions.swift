import BusRuntime

/// How to run `.bus` files.
package struct BusFileOptions: Equatable, Sendable {
    /// Where to work; the folder we are in when nil.
    package var folder: String?
    /// Look at every line and run none.
    package var checksOnly = false
    /// Print each command before it runs.
    package var traces = false
    /// What makes a run all or nothing; only `none` is built.
    package var transaction = "none"
    /// What one transaction spans.
    package var scope = "file"
    /// In the order of the command line.
    package var files: [String] = []

    /// Flags of every command that may also stand beside files.
    static let globalFlags = ["-C", "--chdir", "--trace"]

    /// Takes the flag at `index` that only files have; false when another one stands there or its value is missing.
    mutating func take(_ arguments: [String], at index: inout Int) -> Bool {
        let parts = arguments[index].split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        switch parts[0] {
        case "--check" where parts.count == 1: checksOnly = true
        case "--transaction", "--scope":
            let value: String
            if parts.count == 2 {
                value = String(parts[1])
            } else {
                guard index + 1 < arguments.count else { return false }
                index += 1
                value = arguments[index]
            }
            if parts[0] == "--scope" { scope = value } else { transaction = value }
        default: return false
        }
        index += 1
        return true
    }

    /// Takes the files and what stands between them.
    mutating func takeRest(
        _ rest: ArraySlice<String>, _ options: inout GlobalOptions, _ isFile: (String, String?) -> Bool
    ) throws(ProcessFailure) {
        let arguments = Array(rest)
        var index = 0
        while index < arguments.count {
            let argument = arguments[index]
            if !argument.hasPrefix("-") || argument == "-" {
                guard isFile(argument, options.folder) else {
                    throw ProcessFailure(exitCode: 2, "\"\(argument)\" must be a .bus file; name only .bus files")
                }
                files.append(argument)
                index += 1
                continue
            }
            if BusFileOptions.globalFlags.contains(argument) {
                _ = try options.take(arguments, at: &index, .beforeWord)
            } else if !take(arguments, at: &index) {
                throw ProcessFailure(
                    exitCode: 2,
                    "\(argument) cannot stand after a .bus file; write it into the file on a line of its own")
            }
        }
        folder = options.folder
        traces = options.traces
        try check()
    }

    private func check() throws(ProcessFailure) {
        guard ["none", "fs", "git", "snapshot", "copy"].contains(transaction) else {
            throw ProcessFailure(
                exitCode: 2, "--transaction is \"\(transaction)\"; it may be none, fs, git, snapshot or copy")
        }
        guard ["file", "batch"].contains(scope) else {
            throw ProcessFailure(exitCode: 2, "--scope is \"\(scope)\"; it may be file or batch")
        }
    }
}
