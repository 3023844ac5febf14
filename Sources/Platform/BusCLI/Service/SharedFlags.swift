import BusRuntime
import Glibc

/// The flags that every program of ours takes.
package struct SharedFlags {
    let asksHelp: Bool
    let asksVersion: Bool
    /// Form of what goes to standard output; nil when it was not given.
    let format: String?
    private let isQuiet: Bool
    private let folder: String?
    private let output: String?

    /// The flags, services and commands alike.
    package static let settings = [
        Setting(flags: ["--help", "-h"], isShared: true, summary: "Print this help."),
        Setting(flags: ["--version", "-V"], isShared: true, summary: "Print the version."),
        Setting(
            flags: ["--format", "-f"], value: "form", isShared: true, summary: "Form of the results, such as json."),
        Setting(flags: ["--output", "-o"], value: "file", isShared: true, summary: "Write the results to this file."),
        Setting(flags: ["--chdir", "-C"], value: "folder", isShared: true, summary: "Work in this folder."),
        Setting(
            flags: ["--quiet", "-q"], isShared: true, summary: "Only errors, no results; not with -v or --trace."),
        Setting(
            flags: ["--verbose", "-v"], isRepeatable: true, isShared: true, summary: "More diagnostics; -vv for most."),
        Setting(flags: ["--trace"], isShared: true, summary: "All diagnostics."),
        Setting(
            flags: ["--color"], value: "mode", values: Color.allCases.map(\.rawValue),
            isShared: true, summary: "Colour in diagnostics."),
        Setting(flags: ["--no-color"], isShared: true, summary: "The same as --color never."),
    ]

    /// When diagnostics are coloured.
    package enum Color: String, CaseIterable {
        case auto, always, never
    }

    init(_ reader: SettingsReader) throws(SettingsFaults) {
        func isGiven(_ flag: SettingsReader.Flag) -> Bool { !reader.values(of: flag).isEmpty }
        asksHelp = isGiven("--help")
        asksVersion = isGiven("--version")
        format = reader.values(of: "--format").last
        isQuiet = isGiven("--quiet")
        folder = reader.values(of: "--chdir").last
        output = reader.values(of: "--output").last
        if isQuiet, isGiven("--verbose") || isGiven("--trace") {
            throw SettingsFaults(["--quiet excludes --verbose and --trace; keep one"])
        }
        if let color = reader.values(of: "--color").last, Color(rawValue: color) == nil {
            throw SettingsFaults(["--color is \"\(color)\"; it may be one of auto, always, never"])
        }
    }

    /// True when diagnostics are coloured.
    static func hasColor(_ reader: SettingsReader) -> Bool {
        if !reader.values(of: "--no-color").isEmpty { return false }
        switch reader.values(of: "--color").last.flatMap(Color.init) {
        case .always: return true
        case .never: return false
        case .auto, nil: return isatty(STDERR_FILENO) == 1 && reader.variable(Setting.noColor.name) == nil
        }
    }

    /// Works in the folder of `--chdir`; stays where it is when nil.
    package static func enter(_ folder: String?) throws(ProcessFailure) {
        guard let folder, chdir(folder) != 0 else { return }
        let reason = String(cString: strerror(errno))
        throw ProcessFailure(exitCode: 1, "cannot work in \(folder): \(reason); check the folder of --chdir")
    }

    /// Enters the folder, then points standard output to where the results go.
    func apply() throws(ProcessFailure) {
        try SharedFlags.enter(folder)
        guard isQuiet || output != nil else { return }
        let path = isQuiet ? "/dev/null" : output ?? ""
        let file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
        guard file >= 0, dup2(file, STDOUT_FILENO) >= 0 else {
            throw ProcessFailure(
                exitCode: 1, "the file of --output cannot be written; check its folder and who owns it")
        }
        close(file)
    }

    /// The form asked for, the first one where none is; a fault names those there are.
    func form(of forms: [String]) throws(SettingsFaults) -> String {
        guard let format else { return forms[0] }
        if forms.contains(format) { return format }
        throw SettingsFaults(["--format is \"\(format)\"; it may be one of \(forms.joined(separator: ", "))"])
    }
}

extension Setting {
    /// What any program's user may set against colour (https://no-color.org).
    package static let noColor = Setting("NO_COLOR", value: "text", summary: "Any value turns colour off.")
}
