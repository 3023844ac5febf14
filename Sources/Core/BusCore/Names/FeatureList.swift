/// Lists of features as they come from people and from metadata.
package enum FeatureList {
    /// The features trimmed, without empties and doubles, order kept.
    package static func union(_ features: [String]) -> [String] {
        var seen: Set<String> = []
        return features.map { String($0.trimmingASCIIWhitespace()) }.filter { !$0.isEmpty && seen.insert($0).inserted }
    }

    /// True for a feature's form, `[a-z0-9][a-z0-9:._-]{0,99}`.
    package static func isLabel(_ text: String) -> Bool {
        let isWord: (UInt8) -> Bool = {
            UInt8(ascii: "a")...UInt8(ascii: "z") ~= $0 || UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0
        }
        guard let first = text.utf8.first, isWord(first), text.utf8.count <= 100 else { return false }
        return text.utf8.allSatisfy { isWord($0) || ":._-".utf8.contains($0) }
    }
}
