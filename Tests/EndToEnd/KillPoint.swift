import FoundationEssentials
import TestSupport

/// One moment in a process: before its n-th system call of one kind, counted on one thread from the moment of attaching.
struct KillPoint: Hashable, Sendable, CustomStringConvertible {
    let call: String
    let count: Int

    /// Calls that write the store; only the store's threads make them.
    private static let storeCalls = ["pwrite64", "fdatasync", "fsync", "ftruncate", "unlink"]
    /// Calls that send to a socket, made by the threads of the network.
    private static let socketCalls = ["write", "writev", "sendto", "sendmsg"]

    var description: String { "\(call) \(count)" }

    /// Runs `body` while strace watches a process, and returns every point that passed meanwhile.
    static func counting(
        _ process: BusProcess, _ body: @Sendable () async throws -> Void
    ) async throws -> [KillPoint] {
        let folder = try TemporaryFolder()
        let network = Set(try networkThreads(of: process))
        try await attach(["-f", "-p", "\(process.id)"], storeCalls + socketCalls, folder, body)
        return points(in: try trace(folder), network: network)
    }

    /// Runs `body` while strace waits for this moment to end the process; false when the moment did not come.
    func killing(_ process: BusProcess, _ body: @Sendable () async throws -> Void) async throws -> Bool {
        let folder = try TemporaryFolder()
        // Other threads write too, but only to wake each other up; they must not come first.
        let isSent = Self.socketCalls.contains(call)
        let threads =
            isSent ? try Self.networkThreads(of: process).flatMap { ["-p", $0] } : ["-f", "-p", "\(process.id)"]
        try await Self.attach(threads, [call], folder, killAt: count, body)
        return try Self.trace(folder).contains("+++ killed by SIGKILL +++")
    }

    /// Every kind, up to the most calls that one thread made: strace counts for each thread.
    private static func points(in trace: String, network: Set<String>) -> [KillPoint] {
        var counts: [String: [Substring: Int]] = [:]
        for line in trace.split(separator: "\n") {
            let words = line.split(separator: " ", maxSplits: 1)
            guard words.count == 2, let end = words[1].firstIndex(of: "(") else { continue }
            let call = words[1][..<end].filter { $0 != " " }
            let isSent = socketCalls.contains(call) && network.contains(String(words[0]))
            if isSent || storeCalls.contains(call) { counts[call, default: [:]][words[0], default: 0] += 1 }
        }
        return counts.sorted { $0.key < $1.key }.flatMap { call, threads in
            (1...(threads.values.max() ?? 1)).map { KillPoint(call: call, count: $0) }
        }
    }

    private static func trace(_ folder: TemporaryFolder) throws -> String {
        let data = try Data(contentsOf: URL(filePath: "\(folder.path)/trace"))
        return String(decoding: data, as: UTF8.self)
    }

    private static func attach(
        _ threads: [String], _ calls: [String], _ folder: TemporaryFolder, killAt count: Int? = nil,
        _ body: @Sendable () async throws -> Void
    ) async throws {
        let set = calls.joined(separator: ",")
        var arguments = threads + ["-o", "\(folder.path)/trace", "-e", "trace=\(set)"]
        if let count { arguments += ["-e", "inject=\(set):signal=SIGKILL:when=\(count)"] }
        _ = try await BusProcess.run("/usr/bin/strace", arguments) { strace in
            try await eventually("strace is attached") {
                if strace.output.isComplete { throw UnexpectedAnswer(text: strace.output.standardError) }
                let attached = strace.output.standardError.split(separator: "\n").count { $0.contains("attached") }
                return attached >= threads.count { $0 == "-p" } ? true : nil
            }
            try await body()
            // Told once, it may miss it between looking for signals and waiting for the process. Told at every look, it
            // may never come to an end of letting go. And it may wait for the first thread of a killed process, which
            // is gone only when strace has looked at the others: that ends with strace.
            var looks = 0
            try await eventually("strace lets go") {
                if strace.output.isComplete { return true }
                if looks % 100 == 0 { if looks < 1_000 { strace.terminate() } else { strace.kill() } }
                looks += 1
                return nil
            }
        }
    }

    private static func networkThreads(of process: BusProcess) throws -> [String] {
        let tasks = "/proc/\(process.id)/task"
        return try FileManager.default.contentsOfDirectory(atPath: tasks).filter { thread in
            try String(contentsOf: URL(filePath: "\(tasks)/\(thread)/comm"), encoding: .utf8).hasPrefix("NIO-")
        }
    }
}

extension Strace {
    /// Whether strace can attach to a process that it did not start.
    static func canAttach() async throws -> Bool {
        guard try await isUsable() else { return false }
        if ProcessInfo.processInfo.environment["CI"] != nil { return true }
        return try await BusProcess.run("/bin/sleep", ["600"]) { sleep in
            try await BusProcess.run("/usr/bin/strace", ["-p", "\(sleep.id)", "-o", "/dev/null"]) { strace in
                try await eventually("strace is attached or refused") {
                    if strace.output.standardError.contains("attached") { return true }
                    return strace.output.isComplete ? false : nil
                }
            }.value
        }.value
    }
}
