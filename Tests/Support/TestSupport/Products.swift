import FoundationEssentials

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
