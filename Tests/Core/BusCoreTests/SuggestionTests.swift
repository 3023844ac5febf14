import BusCore
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

/// Short names, addresses and faults that everybody spells the same way.
struct SharedGrammarTests {
    @Test func featuresAndGroupsHaveOneGrammarEach() {
        for text in ["a", "0", "llm:proxy", "a.b_c-d:e", String(repeating: "a", count: 100)] {
            #expect(Labels.isFeature(text), "\(text)")
        }
        for text in ["", "A", "-a", ":a", "a b", "ä", "a/b", String(repeating: "a", count: 101)] {
            #expect(!Labels.isFeature(text), "\(text)")
        }
        #expect(Labels.isGroup("Workers.1_a-B") && !Labels.isGroup("a:b") && !Labels.isGroup("-a"))
    }

    @Test(arguments: [
        ("http://h", "http://h", "h"), ("https://h:1/p//?x#y", "https://h:1/p", "h"),
        ("http://[::1]:8/", "http://[::1]:8", "[::1]"),
        ("http://127.0.0.1:1#x", "http://127.0.0.1:1", "127.0.0.1"),
    ])
    func addressIsNormalised(_ text: String, _ normal: String, _ host: String) {
        let url = BaseURL(text)
        #expect(url?.text == normal && url?.address.host == host)
        #expect(url?.address.isLoopback == (host != "h") && url?.isSecure == text.hasPrefix("https"))
    }

    @Test(arguments: ["", "h", "ftp://h", "http://", "http://u@h", "https://u:p@h", "http://h/@x", "HTTP//h"])
    func otherTextIsNoAddress(_ text: String) {
        #expect(BaseURL(text) == nil)
    }

    @Test(arguments: [
        ("{", "is not JSON at byte 1"), ("1 2", "goes on after the JSON value, from byte 2"),
        ("\"\u{FF}", "is not JSON"),
    ])
    func faultIsAFact(_ text: String, _ fact: String) throws {
        let fault = try #require(throws: JSONFault.self) { try JSONValue(parsing: Array(text.utf8)) }
        #expect(fault.fact.hasPrefix(fact))
    }
}
