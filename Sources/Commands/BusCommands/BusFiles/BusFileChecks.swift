/// The arguments of two well-known commands, checked before any line of a `.bus` file runs.
///
/// Only what no version of their modules accepts is refused; the modules judge the rest.
package enum BusFileChecks {
    /// What is wrong with a command, or nil.
    package static func fault(in words: [String]) -> String? {
        if words.contains("--help") || words.contains("-h") { return nil }
        if words.starts(with: ["journal", "add"]) {
            return fault(in: words.dropFirst(2), flags: ["--debit", "--credit"], form: "ACCOUNT=AMOUNT", isPosting)
        }
        if words.starts(with: ["bank", "add", "transactions"]) {
            return fault(in: words.dropFirst(3), flags: ["--set"], form: "NAME=VALUE", isAssignment)
        }
        return nil
    }

    private static func fault(
        in words: ArraySlice<String>, flags: [String], form: String, _ isValid: (Substring) -> Bool
    ) -> String? {
        var rest = words
        while let word = rest.popFirst() {
            let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let flag = flags.first(where: { parts[0] == $0 }) else { continue }
            guard let value = parts.count == 2 ? parts[1] : rest.popFirst().map({ $0[...] }) else {
                return "\(flag) needs a value; write \(form)"
            }
            if !isValid(value) { return "\(flag) \"\(value)\" is not of the form \(form)" }
        }
        return nil
    }

    /// `NAME=…` with a name.
    private static func isAssignment(_ text: Substring) -> Bool {
        text.contains("=") && !text.hasPrefix("=")
    }

    /// `ACCOUNT=AMOUNT` or `ACCOUNT=AMOUNT=TEXT`, where an amount has digits and no letters.
    private static func isPosting(_ text: Substring) -> Bool {
        let parts = text.split(separator: "=", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count >= 2, !parts[0].isEmpty else { return false }
        return parts[1].contains(where: \.isNumber) && !parts[1].contains(where: \.isLetter)
    }
}
