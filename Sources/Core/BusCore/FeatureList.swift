/// Lists of features as they come from people and from metadata.
package enum FeatureList {
    /// The features trimmed, without empties and doubles, order kept.
    package static func union(_ features: [String]) -> [String] {
        var seen: Set<String> = []
        return features.map { String($0.trimmingASCIIWhitespace()) }.filter { !$0.isEmpty && seen.insert($0).inserted }
    }
}
