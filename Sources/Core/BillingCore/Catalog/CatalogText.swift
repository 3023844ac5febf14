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

    /// `[a-z0-9][a-z0-9:._-]{0,99}`, as in requests.
    static func isFeature(_ text: String) -> Bool {
        guard let first = text.utf8.first, isLowerOrDigit(first), text.utf8.count <= 100 else { return false }
        return text.utf8.allSatisfy { isLowerOrDigit($0) || ":._-".utf8.contains($0) }
    }

    /// A positive number with at most 12 digits before and 12 after the point, as Stripe takes it.
    static func isPositiveDecimal(_ text: String) -> Bool {
        let parts = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count <= 2, parts.allSatisfy({ 1...12 ~= $0.count && $0.allSatisfy(isDigit) }) else { return false }
        return text.utf8.contains { UInt8(ascii: "1")...UInt8(ascii: "9") ~= $0 }
    }

    private static func isDigit(_ byte: UInt8) -> Bool { UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte }

    private static func isLowerOrDigit(_ byte: UInt8) -> Bool {
        isDigit(byte) || UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte
    }

    // MARK: Suggestions

    /// `; did you mean "month"?`, or the remedy when nothing is near.
    static func suggestion(for text: String, among names: some Sequence<String>, or remedy: String) -> String {
        nearest(to: text, among: names).map { "; did you mean \(quoted($0))?" } ?? "; \(remedy)"
    }

    /// The name that at most two slips of the keyboard turned into `text`; one slip when it is short.
    static func nearest(to text: String, among names: some Sequence<String>) -> String? {
        let typed = Array(text.lowercased().utf8)[...]
        let names = names.map { (name: $0, bytes: Array($0.lowercased().utf8)[...]) }
        for slips in 0...(typed.count <= 4 ? 1 : 2) {
            if let found = names.first(where: { isWithin(slips, typed, $0.bytes) }) { return found.name }
        }
        return nil
    }

    /// True when so many letters added, dropped, changed or swapped with their neighbour make the texts equal.
    private static func isWithin(_ slips: Int, _ left: ArraySlice<UInt8>, _ right: ArraySlice<UInt8>) -> Bool {
        if abs(left.count - right.count) > slips { return false }
        var (left, right) = (left, right)
        while let first = left.first, first == right.first { (left, right) = (left.dropFirst(), right.dropFirst()) }
        if slips == 0 { return left.isEmpty && right.isEmpty }
        if left.isEmpty || right.isEmpty { return true }
        let isSwapped = left.prefix(2).elementsEqual(right.prefix(2).reversed())
        return isWithin(slips - 1, left.dropFirst(), right.dropFirst())
            || isWithin(slips - 1, left.dropFirst(), right) || isWithin(slips - 1, left, right.dropFirst())
            || isSwapped && isWithin(slips - 1, left.dropFirst(2), right.dropFirst(2))
    }
}
