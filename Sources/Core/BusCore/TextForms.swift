extension String {
    /// Nil for an empty text: Stripe takes an empty value for "remove", and readers for a value.
    package var nonEmpty: String? { isEmpty ? nil : self }
}

extension Substring {
    /// The text without ASCII spaces, tabs and line ends at its ends.
    package func trimmingASCIIWhitespace() -> Substring {
        let isSpace: (UInt8) -> Bool = { $0 == 0x20 || 0x09...0x0D ~= $0 }
        guard let first = utf8.firstIndex(where: { !isSpace($0) }), let last = utf8.lastIndex(where: { !isSpace($0) })
        else { return self[endIndex...] }
        return self[first...last]
    }
}

extension String {
    /// The text without ASCII spaces, tabs and line ends at its ends.
    package func trimmingASCIIWhitespace() -> Substring { self[...].trimmingASCIIWhitespace() }
}
