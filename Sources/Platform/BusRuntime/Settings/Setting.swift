/// One setting as the code that reads it declares it: help, pages, completions and the command line are made from this.
package struct Setting: Hashable, Sendable {
    /// The variable; empty for what only a flag says.
    package var name: String
    /// Other variables that hold the same, older names last.
    package var olderNames: [String] = []
    /// Other variables that name a file with the secret.
    package var fileNames: [String] = []
    /// With their dashes; the first one leads, the others are its aliases.
    package var flags: [String] = []
    /// What the value is called; nil for a flag that takes none.
    package var value: String?
    /// The only values there are; empty when any may stand.
    package var values: [String] = []
    /// What counts where nothing is set, as people read it.
    package var fallback = ""
    /// The smallest and the largest value, as people read them.
    package var range = ""
    /// Never shown, and readable from a file that `NAME_FILE` names.
    package var isSecret = false
    /// The program does not start without it.
    package var isRequired = false
    /// The flag may be given several times.
    package var isRepeatable = false
    /// Refused with a reason when it is set, so it is not offered.
    package var isHidden = false
    /// Taken by every program of ours.
    package var isShared = false
    /// One sentence.
    package var summary: String

    /// What it is looked up by: its variable, or its flag where it has none.
    package var id: String { name.isEmpty ? flags.first ?? "" : name }

    /// Every variable that sets it, files included.
    package var variables: [String] { ownVariables + olderNames.flatMap(withFile) + fileNames }

    /// Its variable, and the one that names a file with the secret; empty for what only a flag says.
    package var ownVariables: [String] { name.isEmpty ? [] : withFile(name) }

    private func withFile(_ name: String) -> [String] { isSecret ? [name, "\(name)_FILE"] : [name] }

    /// The summary with what may stand, what else is named so, and what counts otherwise.
    package var meaning: String {
        var parts = [summary]
        if !values.isEmpty { parts.append("One of \(values.joined(separator: ", ")).") }
        if !range.isEmpty { parts.append("\(range).") }
        let others = olderNames + fileNames
        if !others.isEmpty { parts.append("Also read from \(others.joined(separator: ", ")).") }
        if isRequired { parts.append("Required.") }
        if isRepeatable { parts.append("May be repeated.") }
        if !fallback.isEmpty { parts.append("Default: \(fallback).") }
        return parts.joined(separator: " ")
    }
}

extension Setting {
    /// A setting that its reader looks up itself, such as a flag that has no variable.
    package init(
        _ name: String = "", flags: [String] = [], value: String? = nil, values: [String] = [], isSecret: Bool = false,
        isRepeatable: Bool = false, isShared: Bool = false, summary: String
    ) {
        self.init(name: name, summary: summary)
        self.flags = flags
        self.value = value
        self.values = values
        self.isSecret = isSecret
        self.isRepeatable = isRepeatable
        self.isShared = isShared
    }
}
