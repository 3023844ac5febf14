/// A table of `docs/contract`, which tests hold to the code.
package struct ContractTable: Sendable {
    /// The cells of each row, without the header.
    package let rows: [[String]]

    /// Reads the first table below a heading; fails when there is none.
    package init(_ page: String, _ heading: String) throws {
        try self.init(file: "docs/contract/\(page).md", heading)
    }

    /// Reads a table of another page.
    package init(file: String, _ heading: String) throws {
        let lines = try Repository.text(file).split(separator: "\n", omittingEmptySubsequences: false)
        let section = lines.drop { $0 != "## \(heading)" }.dropFirst().prefix { !$0.hasPrefix("## ") }
        let table = section.drop { !$0.hasPrefix("|") }.prefix { $0.hasPrefix("|") }
        rows = table.dropFirst(2).map { ContractTable.cells(of: $0) }
        if rows.isEmpty { throw MissingTable(description: "\(file) has no table below \(heading)") }
    }

    /// The name in each row's first cell.
    package var names: [String] { rows.map { ContractTable.words(in: $0[0]).first ?? "" } }

    /// What stands in backticks in a cell.
    package static func words(in cell: String) -> [String] {
        let parts = cell.split(separator: "`", omittingEmptySubsequences: false)
        return stride(from: 1, to: parts.count, by: 2).map { String(parts[$0]) }
    }

    private static func cells(of line: Substring) -> [String] {
        let cells = line.dropFirst().dropLast().replacing("\\|", with: "\u{0}").split(
            separator: "|", omittingEmptySubsequences: false)
        return cells.map { cell in
            let text = cell.replacing("\u{0}", with: "|")
            return String(text.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
        }
    }
}

/// A page without the table that a test looks for.
package struct MissingTable: Error, CustomStringConvertible {
    /// Where it should be.
    package let description: String
}
