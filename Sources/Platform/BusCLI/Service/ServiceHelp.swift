import BusRuntime

/// The help of a service program: the settings of the program before those that all programs share.
enum ServiceHelp {
    static func text(_ manual: CommandManual) -> String {
        var blocks = ["OVERVIEW: \(manual.summary)"]
        for paragraph in manual.paragraphs {
            switch paragraph {
            case .heading(let heading): blocks.append(heading)
            case .verbatim(let lines):
                blocks[blocks.count - 1] += "\n" + lines.map { "  \($0)" }.joined(separator: "\n")
            case .text(let text): blocks.append(HelpRows.wrapped(text))
            }
        }
        return
            (blocks + [
                "USAGE: \(manual.name) [options]",
                "OPTIONS\n" + HelpRows.options(manual.options.filter { !$0.isShared }),
                "SHARED OPTIONS\n" + HelpRows.options(manual.options.filter(\.isShared)),
                "ENVIRONMENT (a flag comes first; NAME_FILE names a file that holds a secret)\n"
                    + HelpRows.variables(manual.variables),
            ]).joined(separator: "\n\n")
    }
}
