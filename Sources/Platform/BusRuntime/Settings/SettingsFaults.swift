/// Every wrong setting of a start, reported together; the process exits 2.
package struct SettingsFaults: Error, CustomStringConvertible {
    /// One sentence each: what is wrong, then the remedy.
    package let messages: [String]

    /// Faults to report.
    package init(_ messages: [String]) {
        self.messages = messages
    }

    /// One fault a line.
    package var description: String { messages.joined(separator: "\n") }
}
