import BusCommands
import Testing

/// "Did you mean".
struct SuggestionTests {
    static let known = ["journal", "bank", "events", "billing", "integration", "api"]

    @Test(arguments: [
        ("jurnal", "journal"), ("bnak", "bank"), ("bill", nil), ("event", "events"), ("apo", "api"),
        ("integartion", "integration"),
        ("", nil), ("xyzzy", nil), ("journals2", "journal"), ("Journal", "journal"), ("ap", "api"), ("x", nil),
    ])
    func nearestKnownWordIsNamed(word: String, expected: String?) {
        #expect(Suggestion.nearest(to: word, among: SuggestionTests.known) == expected)
    }

    @Test func editsAreCounted() {
        for (first, second, edits) in [
            ("", "", 0), ("a", "", 1), ("", "abc", 3), ("ab", "ba", 1), ("abc", "abd", 1), ("kitten", "sitting", 3),
        ] {
            #expect(Suggestion.edits(from: first, to: second) == edits)
            #expect(Suggestion.edits(from: second, to: first) == edits)
        }
    }

    @Test func overlongWordIsNotCompared() {
        #expect(Suggestion.nearest(to: String(repeating: "a", count: 10_000), among: SuggestionTests.known) == nil)
    }
}
