/// Columns of text under a header, for people.
///
/// Numbers are aligned to the right.
struct TextTable {
    private var rows: [[String]]

    init(_ header: String...) {
        rows = [header]
    }

    /// Adds a row of as many cells as the header has.
    mutating func add(_ cells: String...) {
        rows.append(
            cells.map { cell in
                String(cell.printable.map { $0.isNewline ? " " : $0 })
            })
    }

    /// The lines, the header first; empty without rows.
    var lines: [String] {
        guard rows.count > 1 else { return [] }
        let columns = rows[0].indices
        let widths = columns.map { column in rows.map { $0[column].count }.max() ?? 0 }
        let isNumeric = columns.map { column in
            rows.dropFirst().allSatisfy { Int64($0[column]) != nil || $0[column] == "-" }
        }
        return rows.map { row in
            let cells = columns.map { column in
                let space = String(repeating: " ", count: widths[column] - row[column].count)
                return isNumeric[column] ? space + row[column] : row[column] + space
            }
            var line = cells.joined(separator: "  ")
            while line.last == " " { line.removeLast() }
            return line
        }
    }
}
