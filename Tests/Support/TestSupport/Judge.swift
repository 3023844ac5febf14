import FoundationEssentials
import Subprocess
import SystemPackage

/// Stripe's official Python package as a judge of our work; the scripts are in `Tests/Support/judge`.
package enum Judge {
    /// Runs a script over JSON lines and returns its lines.
    ///
    /// The package is installed first when it is missing. Where tests must be complete (`CI=true`) it has to be there.
    package static func run(_ script: String, lines: [String]) async throws -> [String] {
        try await prepare()
        let result = try await Subprocess.run(
            .path(FilePath(Repository.judgePython)),
            arguments: [Repository.path("Tests/Support/judge/\(script).py")],
            input: .string(lines.joined(separator: "\n") + "\n"), output: .string(limit: 16 << 20),
            error: .string(limit: 1 << 20))
        guard result.terminationStatus.isSuccess else {
            throw JudgeFailed(script: script, log: result.standardError)
        }
        return result.standardOutput.split(separator: "\n").map(String.init)
    }

    private static func prepare() async throws {
        if FileManager.default.isExecutableFile(atPath: Repository.judgePython) { return }
        if ProcessInfo.processInfo.environment["CI"] == "true" {
            throw JudgeFailed(script: "setup-judge", log: "the judge is missing; run Scripts/setup-judge first")
        }
        let result = try await Subprocess.run(
            .path(FilePath(Repository.path("Scripts/setup-judge"))), output: .discarded,
            error: .string(limit: 1 << 20))
        guard result.terminationStatus.isSuccess else {
            throw JudgeFailed(script: "setup-judge", log: result.standardError)
        }
    }
}

/// The judge could not speak.
package struct JudgeFailed: Error, CustomStringConvertible {
    let script: String
    let log: String

    /// Which script, and the end of what it said.
    package var description: String { "\(script): \(log.suffix(1_000))" }
}
