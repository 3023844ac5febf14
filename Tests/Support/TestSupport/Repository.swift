import FoundationEssentials

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

    /// The Swift files below a folder of it, at any depth, by their relative paths.
    package static func files(below folder: String) throws -> [String] {
        try FileManager.default.subpathsOfDirectory(atPath: path(folder)).filter { $0.hasSuffix(".swift") }
            .map { "\(folder)/\($0)" }
    }

    /// The Python that has Stripe's official package; `Scripts/setup-judge` makes it.
    package static var judgePython: String { path(".build/judge-venv/bin/python") }
}
