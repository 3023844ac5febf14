import BusCore
import FoundationEssentials
import Subprocess
import SystemPackage

/// A program of ours, or a tool, running beside the test.
///
/// It lives as long as the closure given to `run`, and is killed when that ends, so no test leaves a process behind.
package struct BusProcess: Sendable {
    /// What it wrote so far.
    package let output: ProcessOutput
    /// Its process id.
    package let id: Int32

    /// What remains of a process that ended: the closure's value and how the process went.
    package struct Outcome<Value: Sendable>: Sendable {
        package let value: Value
        package let exit: Exit
    }

    /// How a process ended.
    package enum Exit: Equatable, Sendable {
        case code(Int32)
        case signal(Int32)
    }

    /// Starts a program, gives it to `body`, kills it when that returns, and waits for its end.
    ///
    /// - Parameters:
    ///   - program: A name in the products folder, or an absolute path.
    ///   - environment: All it gets, besides `PATH` and an empty home: nothing leaks in from the machine.
    package static func run<Value: Sendable>(
        _ program: String, _ arguments: [String] = [], environment: [String: String] = [:],
        in folder: TemporaryFolder? = nil, _ body: @Sendable (BusProcess) async throws -> Value
    ) async throws -> Outcome<Value> {
        let home = try folder ?? TemporaryFolder()
        var variables: [Environment.Key: String] = [
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": home.path,
        ]
        for (name, value) in environment { variables[Environment.Key(stringLiteral: name)] = value }
        // A session of its own: what the program starts ends with it.
        var options = PlatformOptions()
        options.createSession = true
        let output = ProcessOutput()
        let result = try await Subprocess.run(
            .path(FilePath(Products.path(of: program))), arguments: Arguments(arguments),
            environment: .custom(variables), workingDirectory: FilePath(home.path), platformOptions: options,
            input: .none, output: .sequence, error: .sequence
        ) { execution in
            let process = BusProcess(output: output, id: execution.processIdentifier.value)
            return try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await output.fill(.standardOutput, from: execution.standardOutput) }
                group.addTask { try await output.fill(.standardError, from: execution.standardError) }
                let outcome: Result<Value, any Error>
                do {
                    outcome = .success(try await body(process))
                } catch {
                    outcome = .failure(error)
                }
                try? execution.send(signal: .kill, toProcessGroup: true)  // It may be gone already.
                try await group.waitForAll()
                return try outcome.get()
            }
        }
        withExtendedLifetime(home) {}
        return Outcome(value: result.closureResult, exit: Exit(result.terminationStatus))
    }

    /// Runs a program to its end.
    package static func finish(
        _ program: String, _ arguments: [String] = [], environment: [String: String] = [:],
        in folder: TemporaryFolder? = nil
    ) async throws -> (exit: Exit, standardOutput: String, standardError: String) {
        let outcome = try await run(program, arguments, environment: environment, in: folder) { process in
            try await process.end()
            return process.output
        }
        return (outcome.exit, outcome.value.standardOutput, outcome.value.standardError)
    }

    /// Asks it to stop, as an operator does.
    package func terminate() {
        _ = BusSignal.send(BusSignal.terminate, to: id)
    }

    /// Interrupts it, as Ctrl-C does.
    package func interrupt() {
        _ = BusSignal.send(BusSignal.interrupt, to: id)
    }

    /// Ends it at once, as a power cut does.
    package func kill() {
        _ = BusSignal.send(BusSignal.kill, to: id)
    }

    /// Waits up to five minutes for its end: its output is closed, and it is gone or waits to be asked how it went.
    ///
    /// Many programs close their output and then have a last step to go, in which a kill would still meet them.
    package func end() async throws {
        try await eventually("the process ends", tries: 30_000) {
            output.isComplete && BusSignal.hasEnded(id) ? true : nil
        }
    }

    /// The address of the listener whose `listening` log line names it; of any listener when `listener` is nil.
    package func address(of listener: String? = nil) async throws -> String {
        try await eventually("the log says `listening` for \(listener ?? "any listener")") {
            let found = output.listeners.first { listener == nil || $0.name == listener }
            if let found { return found.address }
            if output.isComplete { throw ProcessEndedEarly(log: output.standardError + output.standardOutput) }
            return nil
        }
    }

    /// Resident memory in bytes, now.
    package func residentBytes() throws -> Int {
        let status = try String(contentsOf: URL(filePath: "/proc/\(id)/status"), encoding: .utf8)
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
        let kibibytes = line?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) }
        guard let kibibytes else { throw ProcessEndedEarly(log: output.standardError) }
        return kibibytes << 10
    }
}

/// The process ended before it was ready; its log says why.
package struct ProcessEndedEarly: Error, CustomStringConvertible {
    let log: String

    /// The end of the log.
    package var description: String {
        "the process ended before it was ready; its log ends with:\n\(log.suffix(2_000))"
    }
}

extension BusProcess.Exit {
    fileprivate init(_ status: TerminationStatus) {
        switch status {
        case .exited(let code): self = .code(code)
        case .signaled(let signal): self = .signal(signal)
        }
    }
}
