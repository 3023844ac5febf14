import TestSupport
import Testing

@testable import BusCore

@Suite("What looks like a credential")
struct CredentialTests {
    /// Made at run time, so that no file holds what a scanner would take for a key.
    private static let hidden: [(text: String, shown: String)] = [
        ("key " + "sk_" + "test_4242abc", "key sk_test_…"),
        ("(" + "rk_" + "live_x)", "(rk_live_…)"),
        ("whsec" + "_abc,whsec" + "_def", "whsec_…,whsec_…"),
        ("Invalid API Key provided: " + "sk_" + "test_****1234.", "Invalid API Key provided: sk_test_…."),
        ("x" + "sk_" + "live_0123456789abc", "xsk_live_…"),
        ("Authorization: Bearer abc.def-1", "Authorization: Bearer …"),
        ("authorization: bearer   0123456789abcdef", "authorization: bearer   …"),
        ("BEARER a1", "BEARER …"),
        ("ey" + "JhbGciOi.ey" + "Jz.sig", "eyJ…"),
        ("postgres:" + "//bus:4242abc@host/db and redis:" + "//u:x@h", "postgres://…@host/db and redis://…@h"),
        ("https:" + "//token0123@example.com/a", "https://…@example.com/a"),
        ("postgres:" + "//u:p@ss@host/db", "postgres://…@host/db"),
        ("postgres:" + "//u:p/ss@host/db", "postgres://…@host/db"),
        ("mongodb:" + "//u:" + "sk_" + "test_x@h", "mongodb://…@h"),
        ("host=db password=hunter2 user=bus", "host=db password=… user=bus"),
        ("PGPASSWORD='two words' psql", "PGPASSWORD='…' psql"),
        ("BUS_API_JWT_SECRET=base64:c2VjcmV0LXNlY3JldA==", "BUS_API_JWT_SECRET=base64:…"),
        ("ö " + "sk_" + "test_1 ü " + "rk_" + "test_2 ☕", "ö sk_test_… ü rk_test_… ☕"),
    ]

    @Test("all of a line are hidden, and the rest of it stays", arguments: hidden)
    func hides(text: String, shown: String) {
        #expect(Redaction.redact(text) == shown)
        #expect(Redaction.redact(shown) == shown, "hiding twice is hiding once")
        let line = Self.hidden.map(\.text).joined(separator: " | ")
        #expect(Redaction.redact(line) == Self.hidden.map(\.shown).joined(separator: " | "))
    }

    @Test(
        "words that only resemble one stay",
        arguments: [
            "", "bus_task_runs", "desk_live_view", "disk_test_eur_month", "the bearer of this is no bearer token",
            "send Authorization: Bearer <token>", "keys begin with sk_test_ or rk_test_", "theyJust", "10:30",
            "https://example.com:8080/a@b", "mail me@example.com", "http://[::1]:80/x@y", "file:///a/b@c",
            "password is wrong", "base64: but the rest", #"{"url":"http://x","mail":"me@x"}"#,
        ])
    func keeps(text: String) {
        #expect(Redaction.redact(text) == text)
    }

    @Test("the work grows with the text and no faster, whatever strangers send")
    func linear() {
        let pieces = [
            "a:" + "//b:c@", "://", "://a:b/", "@", "sk_", "sk_....", "whsec" + "_x", "bearer  ", "Bearer a ",
            "ey" + "J",
            "eyJeyJeyJ.", "password='", "password=", "base64:", "base64:aaaaaaaa", "b", "rk_live_", " ", "x:/@",
        ]
        for piece in pieces {
            let text = Array(String(repeating: piece, count: (1 << 16) / piece.utf8.count).utf8)
            let bytes = CountedBytes(text)
            _ = Credentials.all(in: bytes)
            #expect(bytes.reads <= 40 * text.count, "\(piece): \(bytes.reads / text.count) reads a byte")
        }
    }

    @Test("what is found is in order, apart and inside of the text")
    func order() async {
        let seed = PropertySettings.seed
        var random = SeededGenerator(seed: seed)
        let pieces = [
            "://", "@", ":", "/", " ", "sk_", "whsec" + "_", "abc1", "Bearer ", "eyJ", "'", "password=", "base64:", "é",
        ]
        for await round in Rounds(2_000, proof: 200_000) {
            let count = Int.random(in: 0..<20, using: &random)
            let text = (0..<count).map { _ in pieces.randomElement(using: &random) ?? "" }.joined()
            var last = 0
            for match in Credentials.all(in: Array(text.utf8)) {
                #expect(
                    match.secret.lowerBound >= last && !match.secret.isEmpty
                        && match.secret.upperBound <= text.utf8.count,
                    "seed \(seed), round \(round): \(text)")
                last = match.secret.upperBound
            }
        }
    }

    @Test("a text from elsewhere stays on its line and does not steer a terminal")
    func oneLine() {
        #expect("plain – ünïcode".onOneLine == "plain – ünïcode")
        #expect(
            "a\nERROR b\r\t\u{1B}[2J\u{9B}1m\u{2028}\u{202E}".onOneLine
                == #"a\nERROR b\r\t\u{1b}[2J\u{9b}1m\u{2028}\u{202e}"#)
    }
}

/// Bytes that count how often they are read.
private struct CountedBytes: RandomAccessCollection {
    private final class Count {
        var value = 0
    }

    private let bytes: [UInt8]
    private let counter = Count()

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    var reads: Int { counter.value }
    var startIndex: Int { 0 }
    var endIndex: Int { bytes.count }

    subscript(index: Int) -> UInt8 {
        counter.value += 1
        return bytes[index]
    }
}
