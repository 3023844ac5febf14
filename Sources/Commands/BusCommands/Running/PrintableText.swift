extension String {
    /// The text without control characters, because foreign text must not steer the reader's terminal.
    var printable: String {
        guard unicodeScalars.contains(where: String.isControl) else { return self }
        return String(String.UnicodeScalarView(unicodeScalars.map { String.isControl($0) ? "\u{FFFD}" : $0 }))
    }

    /// C0 except the line end, DEL, C1, and the marks that change the direction of writing.
    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x0A: false
        case 0..<0x20, 0x7F..<0xA0, 0x200E...0x200F, 0x202A...0x202E, 0x2066...0x2069: true
        default: false
        }
    }
}
