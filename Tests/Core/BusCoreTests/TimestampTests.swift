import BusCore
import TestSupport
import Testing

@Suite("Timestamps")
struct TimestampTests {
    @Test(
        "RFC 3339 in any offset is one moment",
        arguments: [
            ("1970-01-01T00:00:00Z", 0), ("2026-07-01T12:00:00Z", 1_782_907_200),
            ("2026-07-01T14:00:00+02:00", 1_782_907_200),
            ("2026-07-01t06:30:00-05:30", 1_782_907_200), ("2000-02-29T23:59:59Z", 951_868_799),
            ("1969-12-31T23:00:00-01:00", 0), ("2201-01-01T00:59:59.999999999+01:00", 7_289_654_399),
        ])
    func reads(text: String, seconds: Int64) throws {
        #expect(try #require(Timestamp(rfc3339: text)).seconds == seconds)
    }

    @Test(
        "other texts, leap seconds and moments outside 1970 to 2200 are no timestamps",
        arguments: [
            "", "2026-07-01", "2026-07-01T12:00:00", "2026-13-01T00:00:00Z", "2026-02-29T00:00:00Z",
            "2026-07-01T24:00:00Z", "2026-07-01T12:00:00.Z", "2026-07-01T12:00:00+0200", "2026-07-01T12:00:00ZZ",
            "20260701T120000Z", "9999-01-01T00:00:00Z", "2026-07-01T12:00:00Zx", "１026-07-01T12:00:00Z",
            "2261-12-31T23:59:59-01:00", "2016-12-31T23:59:60Z", "1678-01-01T00:00:00+01:00",
            "1970-01-01T00:59:59+01:00", "1969-12-31T23:59:59.999999999Z", "2201-01-01T00:00:00Z",
            "2200-12-31T23:59:59-00:01", "0000-01-01T00:00:00+23:59",
        ])
    func refuses(_ text: String) {
        #expect(Timestamp(rfc3339: text) == nil)
    }

    @Test("seconds outside 1970 to 2200 are no timestamps")
    func seconds() {
        for seconds: Int64 in [-1, -9_223_372_037, 7_289_654_400, 9_223_372_036, .min, .max] {
            #expect(Timestamp(seconds: seconds) == nil, "\(seconds)")
        }
        for seconds: Double in [-0.5, 7_289_654_400, 9e18, -.infinity, .infinity, .nan] {
            #expect(Timestamp(fractionalSeconds: seconds) == nil, "\(seconds)")
        }
        #expect(Timestamp(seconds: 0) == .earliest)
        #expect(Timestamp(seconds: 7_289_654_399)?.rfc3339 == "2200-12-31T23:59:59Z")
        #expect(Timestamp(fractionalSeconds: 1.5)?.nanoseconds == 1_500_000_000)
    }

    @Test("what is accepted is written and read back, and every duration that is read can be added to it")
    func roundTrip() async throws {
        let seed = PropertySettings.seed
        print("timestamps: seed \(seed)")
        var random = SeededGenerator(seed: seed)
        for await _ in Rounds(5_000, proof: 500_000) {
            let text = randomText(&random)
            guard let moment = Timestamp(rfc3339: text) else {
                let utc = text.prefix(4)
                #expect(utc <= "1970" || utc >= "2200", "\(text)")
                continue
            }
            #expect(Timestamp(rfc3339: moment.rfc3339) == moment, "\(text)")
            #expect(Timestamp.earliest <= moment && moment <= .latest, "\(text)")
            let days = Int64.random(in: 0...36_500, using: &random)
            let duration = try #require(Duration(goSyntax: "\(days)d"))
            let seconds = Int64(duration.inSeconds)
            let (later, sooner) = (moment.advanced(bySeconds: seconds), moment.advanced(bySeconds: -seconds))
            #expect(sooner <= moment && moment <= later, "\(text) \(days)d")
            #expect(later == .latest || later.advanced(bySeconds: -seconds) == moment, "\(text) \(days)d")
            #expect(sooner == .earliest || sooner.advanced(bySeconds: seconds) == moment, "\(text) \(days)d")
            #expect(Timestamp(rfc3339: later.rfc3339) == later && Timestamp(rfc3339: sooner.rfc3339) == sooner)
        }
    }

    /// Any date from the year 1600 to 2300, close to the ends of the range as often as far from them.
    private func randomText(_ random: inout SeededGenerator) -> String {
        func two(_ range: ClosedRange<Int>) -> String {
            let value = Int.random(in: range, using: &random)
            return value < 10 ? "0\(value)" : "\(value)"
        }
        let years = [1600...2300, 1969...1970, 2200...2201, 1970...2200].randomElement(using: &random) ?? 1970...2200
        let zone =
            Bool.random(using: &random)
            ? "Z" : "+-".randomElement(using: &random).map { "\($0)\(two(0...23)):\(two(0...59))" }
        return "\(Int.random(in: years, using: &random))-\(two(1...12))-\(two(1...28))T\(two(0...23)):\(two(0...59)):"
            + "\(two(0...59)).\(Int.random(in: 0...999_999_999, using: &random))\(zone ?? "Z")"
    }

    @Test("nothing traps, whatever a clock or a row says")
    func extremes() {
        let seed = PropertySettings.seed
        print("timestamps at the ends of Int64: seed \(seed)")
        var random = SeededGenerator(seed: seed)
        let ends: [Int64] = [.min, .min + 1, -9_223_372_037, -1, 0, 1, 9_223_372_036, .max - 1, .max]
        for round in 0..<2_000 {
            let value = round < ends.count ? ends[round] : Int64.random(in: .min ... .max, using: &random)
            for moment in [Timestamp(clampingNanoseconds: value), Timestamp(clampingSeconds: value)] {
                for offset in ends {
                    let moved = moment.advanced(bySeconds: offset)
                    #expect(Timestamp(rfc3339: moved.rfc3339) == moved)
                    #expect(offset < 0 ? moved <= moment : moved >= moment)
                }
            }
            #expect(Timestamp(seconds: value).map { Timestamp(rfc3339: $0.rfc3339) == $0 } ?? true)
            #expect(Duration.seconds(value).wholeNanoseconds.signum() == value.signum())
            #expect(!Duration.seconds(value).goText.isEmpty)
        }
    }

    @Test("fractions keep three, six or nine digits")
    func fractions() {
        #expect(Timestamp(clampingNanoseconds: 500_000_000).rfc3339 == "1970-01-01T00:00:00.500Z")
        #expect(Timestamp(clampingNanoseconds: 1_000).rfc3339 == "1970-01-01T00:00:00.000001Z")
        #expect(Timestamp(clampingNanoseconds: 1).rfc3339 == "1970-01-01T00:00:00.000000001Z")
        #expect(Timestamp.latest.rfc3339 == "2200-12-31T23:59:59.999999999Z")
    }
}
