import BusCommands
import Glibc
import TestSupport

/// A machine for `bus`: a working folder, and a folder of foreign modules on PATH.
struct BusWorld: Sendable {
    typealias Result = (exit: BusProcess.Exit, standardOutput: String, standardError: String)

    let folder: TemporaryFolder
    var modules: String { "\(folder.path)/modules" }

    /// `journal` shows its arguments, `env` the named variables; `exit` ends with a code and `die` by a signal.
    init() throws {
        folder = try TemporaryFolder()
        mkdir("\(folder.path)/modules", 0o700)
        try addModule("journal", "for argument in \"$@\"; do printf '[%s]' \"$argument\"; done; echo")
        try addModule("env", #"for name in "$@"; do eval "printf '%s\n' \"$name=\$$name\""; done"#)
        try addModule("exit", "exit \"$1\"")
        try addModule("die", "kill \"-$1\" $$")
    }

    func addModule(_ word: String, _ script: String) throws {
        try write("#!/bin/sh\n\(script)\n", to: "modules/bus-\(word)", mode: 0o700)
    }

    @discardableResult
    func write(_ text: String, to name: String, mode: mode_t = 0o600) throws -> String {
        let path = try folder.write(text, to: name)
        chmod(path, mode)
        return path
    }

    func makeFolder(_ name: String) {
        mkdir("\(folder.path)/\(name)", 0o700)
    }

    func variables(_ environment: [String: String] = [:]) -> [String: String] {
        ["PATH": "\(modules):/usr/bin:/bin"].merging(environment) { $1 }
    }

    func bus(_ arguments: String..., environment: [String: String] = [:]) async throws -> Result {
        try await run("bus", arguments, environment: environment)
    }

    func run(_ program: String, _ arguments: [String], environment: [String: String] = [:]) async throws -> Result {
        try await BusProcess.finish(program, arguments, environment: variables(environment), in: folder)
    }
}
