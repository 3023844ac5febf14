import FoundationEssentials
import StripeTestSupport
import TestSupport
import Testing

/// A command line, run by the real program, that shows what a flag or a variable does.
struct Effect: Sendable, CustomTestStringConvertible {
    /// What was seen.
    struct Seen: Sendable {
        let exit: BusProcess.Exit
        let output: String
        let errors: String
        /// What arrived at the server.
        let requests: [LoopbackServer.Request]
        let folder: TemporaryFolder

        func file(_ name: String) -> String? {
            try? String(contentsOfFile: "\(folder.path)/\(name)", encoding: .utf8)
        }
    }

    /// The command's words before each flag and variable: `billing status --api-url`, `bus PATH`.
    let covers: [String]
    /// Words with blanks between; `URL` stands for the server's address.
    let line: String
    var environment: [String: String] = [:]
    var files: [String: String] = [:]
    /// What every request is answered with; nil leaves the answers to an offline Stripe.
    var answer: LoopbackServer.Fault?
    let shows: @Sendable (Seen) -> Bool

    var testDescription: String { "\(covers.joined(separator: ", ")): bus \(line)" }

    func run() async throws -> Seen {
        guard let answer else {
            return try await LoopbackStripe.run { stripe in
                try await run(before: stripe.url) { stripe.requests }
            }
        }
        return try await LoopbackServer.run(faults: Array(repeating: answer, count: 100)) { server in
            try await run(before: server.url) { server.requests }
        }
    }

    private func run(before url: String, requests: () -> [LoopbackServer.Request]) async throws -> Seen {
        let folder = try TemporaryFolder()
        for (name, text) in files {
            let path = "\(folder.path)/\(name)"
            try FileManager.default.createDirectory(
                atPath: String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)]),
                withIntermediateDirectories: true)
            _ = try folder.write(text.replacing("URL", with: url), to: name)
        }
        let words = line.replacing("URL", with: url).split(separator: " ").map { String($0) }
        let result = try await BusProcess.finish(
            "bus", words, environment: environment.mapValues { $0.replacing("URL", with: url) }, in: folder)
        return Seen(
            exit: result.exit, output: result.standardOutput, errors: result.standardError, requests: requests(),
            folder: folder)
    }
}
