import FoundationEssentials
import TestSupport
import Testing

/// A command line, run by the real program, that shows what a flag or a variable does.
struct Effect: Sendable, CustomTestStringConvertible {
    /// What was seen.
    struct Seen: Sendable {
        let exit: BusProcess.Exit
        let output: String
        let errors: String
        /// What arrived at the double.
        let requests: [StripeDouble.Request]
        let folder: TemporaryFolder

        func file(_ name: String) -> String? {
            try? String(contentsOfFile: "\(folder.path)/\(name)", encoding: .utf8)
        }
    }

    /// The command's words before each flag and variable: `billing status --api-url`, `bus PATH`.
    let covers: [String]
    /// Words with blanks between; `URL` stands for the double's address.
    let line: String
    var environment: [String: String] = [:]
    var files: [String: String] = [:]
    /// What every request is answered with; as Stripe would when nil.
    var answer: StripeDouble.Fault?
    let shows: @Sendable (Seen) -> Bool

    var testDescription: String { "\(covers.joined(separator: ", ")): bus \(line)" }

    func run() async throws -> Seen {
        try await StripeDouble.run { double in
            if let answer {
                double.set { world in
                    for request in 0..<100 { world.faultsAt[request] = answer }
                }
            }
            let folder = try TemporaryFolder()
            for (name, text) in files {
                let path = "\(folder.path)/\(name)"
                try FileManager.default.createDirectory(
                    atPath: String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)]),
                    withIntermediateDirectories: true)
                _ = try folder.write(text.replacing("URL", with: double.url), to: name)
            }
            let words = line.replacing("URL", with: double.url).split(separator: " ").map { String($0) }
            let result = try await BusProcess.finish(
                "bus", words, environment: environment.mapValues { $0.replacing("URL", with: double.url) }, in: folder)
            return Seen(
                exit: result.exit, output: result.standardOutput, errors: result.standardError,
                requests: double.requests, folder: folder)
        }
    }
}
