/// Lists of features as people and metadata spell them.
package enum FeatureList {
    /// The features trimmed, in order, without empty ones and repetitions.
    package static func union(_ features: [String]) -> [String] {
        var seen: Set<String> = []
        return features.map { String($0.trimmingASCIIWhitespace()) }.filter { !$0.isEmpty && seen.insert($0).inserted }
    }
}
