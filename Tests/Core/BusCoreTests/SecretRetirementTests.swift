import BusCore
import TestSupport
import Testing

@Suite("Retiring a secret")
struct SecretRetirementTests {
    private static let now = Timestamp(clampingSeconds: 1_785_600_000)
    private static let day: Int64 = 86_400

    /// Accepted and used so many seconds ago.
    private static func use(
        _ label: String, accepted: Int64, used: Int64?, by process: String = "a", kind: SecretUse.Kind = .webhook
    ) -> SecretUse {
        SecretUse(
            process: process, kind: kind, label: label, acceptedSince: now.advanced(bySeconds: -accepted),
            lastUsed: used.map { now.advanced(bySeconds: -$0) })
    }

    private static func objections(
        _ uses: [SecretUse], processes: [String] = ["a"], unused: Int64 = day
    ) -> [SecretRetirement.Objection] {
        SecretRetirement(
            of: "old", .webhook, processes: processes, uses: uses, unusedSeconds: unused, at: now
        ).objections
    }

    @Test("it goes when nothing has used it for the whole time and another one was used since")
    func goes() {
        let new = Self.use("new", accepted: 90_000, used: 10)
        #expect(Self.objections([Self.use("old", accepted: 90_000, used: nil), new]).isEmpty)
        #expect(Self.objections([Self.use("old", accepted: 90_000, used: Self.day), new]).isEmpty)
        #expect(Self.objections([Self.use("old", accepted: Self.day, used: nil), new]).isEmpty)
    }

    @Test("who used it, who has not watched long enough and who does not know it are named")
    func stays() {
        let new = Self.use("new", accepted: 90_000, used: 10)
        let second = Self.now.advanced(bySeconds: 1)
        let used = Self.now.advanced(bySeconds: 1 - Self.day)
        #expect(
            Self.objections([Self.use("old", accepted: 90_000, used: Self.day - 1), new])
                == [.used(process: "a", at: used, until: second)])
        #expect(
            Self.objections([Self.use("old", accepted: Self.day - 1, used: nil), new])
                == [.notWatched(process: "a", since: used, until: second)])
        // A program that was restarted a minute ago and used it half a minute ago: the later end counts.
        #expect(
            Self.objections([Self.use("old", accepted: 60, used: 30), new])
                == [
                    .used(
                        process: "a", at: Self.now.advanced(bySeconds: -30),
                        until: Self.now.advanced(bySeconds: Self.day - 30))
                ])
        #expect(Self.objections([new]) == [.unknown(process: "a")])
        #expect(
            Self.objections([Self.use("old", accepted: 90_000, used: nil), new], processes: ["a", "b"])
                == [.unknown(process: "b")])
    }

    @Test("a quiet day is no proof: another secret of the kind must have been used since")
    func successor() {
        let old = Self.use("old", accepted: 200_000, used: 100_000)
        #expect(Self.objections([old]) == [.noSuccessor])
        #expect(Self.objections([old, Self.use("new", accepted: 200_000, used: nil)]) == [.noSuccessor])
        #expect(Self.objections([old, Self.use("new", accepted: 200_000, used: 100_000)]) == [.noSuccessor])
        #expect(Self.objections([old, Self.use("new", accepted: 200_000, used: 5, kind: .token)]) == [.noSuccessor])
        #expect(Self.objections([old, Self.use("new", accepted: 200_000, used: 99_999)]).isEmpty)
        // Of two programs behind one address either may get the webhooks.
        let idle = Self.use("old", accepted: 200_000, used: nil, by: "b")
        let other = Self.use("new", accepted: 200_000, used: 5, by: "b")
        #expect(Self.objections([old, idle, other], processes: ["a", "b"]).isEmpty)
    }

    @Test("for thousands of histories: whatever is retired was unused, watched, and has a successor")
    func histories() {
        let seed = PropertySettings.seed
        var random = SeededGenerator(seed: seed)
        var retired = 0
        for round in 0..<PropertySettings.rounds(3_000, proof: 100_000) {
            let processes = Array(["a", "b", "c"].prefix(.random(in: 1...3, using: &random)))
            let window = Int64.random(in: 1...20, using: &random)
            var uses: [SecretUse] = []
            for process in processes {
                for label in ["old", "new"] where Int.random(in: 0..<8, using: &random) > 0 {
                    let accepted = Int64.random(in: 0...60, using: &random)
                    let used = Bool.random(using: &random) ? Int64.random(in: 0...40, using: &random) : nil
                    uses.append(Self.use(label, accepted: accepted, used: used, by: process))
                }
            }
            let old = uses.filter { $0.label == "old" }
            let lastUse = old.compactMap { $0.lastUsed?.seconds }.max() ?? 0
            let mayGo =
                old.count == processes.count
                && old.allSatisfy { $0.acceptedSince.seconds + window <= Self.now.seconds }
                && old.allSatisfy { ($0.lastUsed?.seconds ?? 0) + window <= Self.now.seconds }
                && uses.contains { $0.label == "new" && ($0.lastUsed?.seconds ?? 0) > lastUse }
            let judged = Self.objections(uses, processes: processes, unused: window)
            #expect(judged.isEmpty == mayGo, "seed \(seed), round \(round): \(uses) \(judged)")
            if mayGo { retired += 1 }
        }
        #expect(retired > 50, "seed \(seed): hardly anything may go")
    }

    @Test("what a program accepts is read from its metrics; what it accepts no more, and all else, is not")
    func metrics() {
        func series(_ name: String, _ kind: String, _ label: String, _ value: Double) -> String {
            "bus_secret_\(name)_timestamp_seconds{kind=\"\(kind)\",secret=\"\(label)\"} \(value)\n"
        }
        let second = Double(Self.now.seconds)
        let text =
            "# HELP bus_secret_accepted_since_timestamp_seconds text\n# TYPE x gauge\nbus_ready 1.0\n"
            + series("accepted_since", "webhook", "0a1b2c3d", second - 9)
            + series("last_used", "webhook", "0a1b2c3d", 0)
            + series("accepted_since", "webhook", "gone", 0) + series("last_used", "webhook", "gone", second)
            + series("accepted_since", "other", "x", second) + series("accepted_since", "webhook", "bad", .nan)
            + series("accepted_since", "token", "current", second - 5) + series("last_used", "token", "current", second)
            + series("accepted_since", "token", "previous", second - 5)
            + "bus_secret_accepted_since_timestamp_seconds{kind=\"webhook\"\nbus_secret_accepted_since"
        let uses = SecretUse.all(in: text, of: "a", at: Self.now)
        #expect(
            uses == [
                Self.use("current", accepted: 5, used: 0, kind: .token),
                Self.use("previous", accepted: 5, used: nil, kind: .token),
                Self.use("0a1b2c3d", accepted: 9, used: nil),
            ])
        #expect(uses[1].acceptedUntil == Self.now.advanced(bySeconds: Self.day - 5) && uses[0].acceptedUntil == nil)
        let later = Self.now.advanced(bySeconds: Self.day - 5)
        #expect(!SecretUse.all(in: text, of: "a", at: later).contains { $0.label == "previous" }, "its day is over")
    }
}
