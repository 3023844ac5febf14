import BusRuntime

/// Two columns of a help text; a long entry on the left gets a line of its own, and text on the right is wrapped.
package enum HelpRows {
    private static let indent = 26
    private static let lineWidth = 79

    /// Rows without a title.
    package static func text(_ rows: [(left: String, right: String)]) -> String {
        rows.map { row($0.left, $0.right) }.joined(separator: "\n")
    }

    /// Flags, each with its variables, and what they mean.
    package static func options(_ settings: [Setting]) -> String {
        text(settings.map { ("\($0.synopsis)  \($0.names)".trimmed, $0.meaning) })
    }

    /// Variables and what they mean.
    package static func variables(_ settings: [Setting]) -> String {
        text(settings.filter { !$0.name.isEmpty }.map { ($0.names, $0.meaning) })
    }

    private static func row(_ left: String, _ right: String) -> String {
        let text = wrapped(right, indent: indent)
        let head = "  \(left)"
        if head.count >= indent { return "\(head)\n\(text)" }
        return head + text.dropFirst(head.count)
    }

    /// Text in lines of the width of a terminal.
    package static func wrapped(_ text: String, indent: Int = 0) -> String {
        let margin = String(repeating: " ", count: indent)
        var lines = [margin]
        for word in text.split(separator: " ") {
            let isEmpty = lines[lines.count - 1].count == indent
            if !isEmpty, lines[lines.count - 1].count + 1 + word.count > lineWidth {
                lines.append(margin + word)
            } else {
                lines[lines.count - 1] += (isEmpty ? "" : " ") + word
            }
        }
        return lines.joined(separator: "\n")
    }
}
