/// "Did you mean": the known word nearest to a mistyped one.
package enum Suggestion {
    /// The nearest known word within two edits, or one edit for words of up to four characters; nil when none is near.
    ///
    /// Upper and lower case count as the same letter.
    package static func nearest(to word: String, among known: some Sequence<String>) -> String? {
        guard word.count <= Limits.suggestedWordCharactersMax else { return nil }
        let typed = word.lowercased()
        let editsMax = word.count <= 4 ? 1 : 2
        let near = known.filter { $0.count <= Limits.suggestedWordCharactersMax }
            .map { (edits: edits(from: typed, to: $0.lowercased()), word: $0) }
            .filter { $0.edits <= editsMax }
        return near.min { ($0.edits, $0.word) < ($1.edits, $1.word) }?.word
    }

    /// Insertions, deletions, replacements and swaps of neighbours that turn one word into the other.
    package static func edits(from word: String, to other: String) -> Int {
        let source = Array(word)
        let target = Array(other)
        var beforeLast: [Int] = []
        var last = Array(0...target.count)
        for row in source.indices {
            var current = [row + 1]
            for column in target.indices {
                let replaced = last[column] + (source[row] == target[column] ? 0 : 1)
                var least = min(replaced, last[column + 1] + 1, current[column] + 1)
                let isSwap =
                    row > 0 && column > 0 && source[row] == target[column - 1] && source[row - 1] == target[column]
                if isSwap { least = min(least, beforeLast[column - 1] + 1) }
                current.append(least)
            }
            beforeLast = last
            last = current
        }
        return last[target.count]
    }
}
