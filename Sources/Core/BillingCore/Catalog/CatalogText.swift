import BusCore

/// Checks a catalog's texts and shows them in messages.
enum CatalogText {
    /// A text of the document for a message: short, on one line, without credentials.
    static func quoted(_ text: String) -> String {
        if CatalogSecrets.isSecret(text) { return "\"…\"" }
        let shown = String(text.prefix(60)).unicodeScalars.map { scalar in
            scalar.properties.generalCategory == .control || scalar == "\"" ? "?" : String(scalar)
        }
        return "\"\(shown.joined())\(text.count > 60 ? "…" : "")\""
    }

    static func isWord(_ byte: UInt8) -> Bool {
        isLowerOrDigit(byte) || UInt8(ascii: "A")...UInt8(ascii: "Z") ~= byte || byte == UInt8(ascii: "_")
    }

    /// A number with at most 12 digits before and 12 after the point, as Stripe takes it.
    static func isDecimal(_ text: String) -> Bool {
        let parts = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        return parts.count <= 2 && parts.allSatisfy { 1...12 ~= $0.count && $0.allSatisfy(isDigit) }
    }

    static func isDigit(_ byte: UInt8) -> Bool { UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte }

    private static func isLowerOrDigit(_ byte: UInt8) -> Bool {
        isDigit(byte) || UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte
    }

    // MARK: Suggestions

    /// `; did you mean "month"?`, or the remedy when nothing is near.
    static func suggestion(for text: String, among names: some Sequence<String>, or remedy: String) -> String {
        Suggestion.nearest(to: text, among: names).map { "; did you mean \(quoted($0))?" } ?? "; \(remedy)"
    }
}
