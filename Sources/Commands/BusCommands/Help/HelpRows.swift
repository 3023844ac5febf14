/// Two columns of a help text.
///
/// A long entry on the left gets a line of its own.
enum HelpRows {
    private static let width = 26

    static func text(_ rows: [(left: String, right: String)]) -> String {
        rows.map { row($0.left, $0.right) }.joined(separator: "\n")
    }

    private static func row(_ left: String, _ right: String) -> String {
        if left.count >= width { return "  \(left)\n  \(String(repeating: " ", count: width))\(right)" }
        return "  \(left)\(String(repeating: " ", count: width - left.count))\(right)"
    }
}
