import BusCore
import TestSupport
import Testing

@Suite("Small values")
struct SmallValueTests {
    @Test(
        "durations in Go's syntax",
        arguments: [
            ("250ms", Duration.milliseconds(250)), ("30s", .seconds(30)), ("2m", .seconds(120)),
            ("1h30m", .seconds(5400)),
            ("30d", .seconds(2_592_000)), ("45", .seconds(45)), ("0", .zero), ("1.5s", .milliseconds(1500)),
        ])
    func durations(text: String, duration: Duration) {
        #expect(Duration(goSyntax: text) == duration)
    }

    @Test(
        "other texts and more than a hundred years are no durations",
        arguments: [
            "", "s", "-1s", "1x", "1s2", "1 s", "∞", "1e9s", "36500d1ns", "36501d", "106752d", "36500d36500d",
            "99999999999999999999s", "3153600001", "9223372036854775807", ".s", "1.2.3s",
        ])
    func noDurations(_ text: String) {
        #expect(Duration(goSyntax: text) == nil)
    }

    @Test(
        "durations print as Go prints them",
        arguments: [
            (0, "0s"), (1, "1ns"), (999, "999ns"), (1_000, "1µs"), (1_500, "1.5µs"), (12_345_678, "12.345678ms"),
            (1_000_000_000, "1s"), (1_000_000_001, "1.000000001s"), (90_500_000_000, "1m30.5s"),
            (60_000_000_000, "1m0s"),
            (3_600_000_000_000, "1h0m0s"), (-1_500_000, "-1.5ms"), (5_025_000_000_000, "1h23m45s"),
        ])
    func durationTexts(nanoseconds: Int64, text: String) {
        #expect(Duration.nanoseconds(nanoseconds).goText == text)
        if nanoseconds >= 0 { #expect(Duration(goSyntax: text) == .nanoseconds(nanoseconds)) }
    }

    @Test("ids grow although the clock steps back")
    func ids() {
        var sequence = EventIDSequence(after: 0)
        #expect(sequence.next(at: Timestamp(clampingNanoseconds: 10)) == "evt_10")
        #expect(sequence.next(at: Timestamp(clampingNanoseconds: 10)) == "evt_11")
        #expect(sequence.next(at: Timestamp(clampingNanoseconds: 5)) == "evt_12")
        #expect(EventIDSequence.number(of: "evt_12") == 12)
        #expect(EventIDSequence.number(of: "evx_12") == nil)
    }

    @Test("a UUID from random bits has its version and variant")
    func uuids() {
        #expect(UUIDText.version4(high: .max, low: .max) == "ffffffff-ffff-4fff-bfff-ffffffffffff")
        #expect(UUIDText.version4(high: 0, low: 0) == "00000000-0000-4000-8000-000000000000")
        #expect(UUIDText.version8(high: .max, low: 0) == "ffffffff-ffff-8fff-8000-000000000000")
        #expect(
            UUIDText.version8(high: 0x0123_4567_89AB_CDEF, low: 0xFEDC_BA98_7654_3210)
                == "01234567-89ab-8def-bedc-ba9876543210")
        #expect(UUIDText.normalized("6C0E7F6A-0000-4000-8000-000000000001") == "6c0e7f6a-0000-4000-8000-000000000001")
        #expect(UUIDText.normalized("billing-worker") == nil)
        #expect(UUIDText.normalized("6c0e7f6a-0000-4000-8000-00000000000g") == nil)
    }

    @Test("a secret shows nothing of itself")
    func secrets() {
        let secret = Secret("whsec_canary")
        #expect("\(secret)" == "[redacted]")
        #expect(String(reflecting: secret) == "[redacted]")
        #expect(!String(describing: Mirror(reflecting: secret).children.map(\.value)).contains("canary"))
        var dumped = ""
        dump(["key": secret], to: &dumped)
        #expect(!dumped.contains("canary"))
        #expect(secret.reveal() == "whsec_canary")
    }

    @Test("waiting doubles up to the bound, with jitter around it")
    func backoff() {
        let backoff = Backoff(first: .seconds(1), longest: .seconds(30))
        #expect(backoff.delay(afterFailures: 1, random: 0.5) == .seconds(1))
        #expect(backoff.delay(afterFailures: 3, random: 0.5) == .seconds(4))
        #expect(backoff.delay(afterFailures: 60, random: 0.5) == .seconds(30))
        #expect(backoff.delay(afterFailures: 1, random: 0) == .milliseconds(800))
    }

    @Test("integers are read from integral floats and decimal strings")
    func integers() {
        #expect(JSONValue.number("3.0").integer == 3)
        #expect(JSONValue.number("1e3").integer == 1000)
        #expect(JSONValue.string("42").integer == 42)
        #expect(JSONValue.number("1.5").integer == nil)
        #expect(JSONValue.string("x").integer == nil)
        #expect(JSONValue.number("1e400").integer == nil)
    }

    @Test("group names are letters, digits and . _ -, and anything can be made one")
    func groupNames() {
        for name in ["a", "0", "worker-1", "A.b_c-", String(repeating: "x", count: 128)] {
            #expect(Labels.isGroup(name), "\(name)")
            #expect(Labels.group(from: name) == name)
        }
        for name in ["", "-a", ".a", "_", "a b", "a/b", "é", "a\n", String(repeating: "x", count: 129)] {
            #expect(!Labels.isGroup(name), "\(name)")
        }
        #expect(Labels.group(from: "bus host/é") == "bus-host---")
        #expect(Labels.group(from: String(repeating: "x", count: 200)).count == 128)
    }
}
