import TestSupport
import Testing

@testable import BusCore

@Suite("Trace context")
struct TraceContextTests {
    private static let trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    private static let span = "00f067aa0ba902b7"

    /// The rules once more, in another way: fields between dashes.
    private static func isValid(_ text: String) -> Bool {
        let fields = text.split(separator: "-", omittingEmptySubsequences: false)
        let lengths = [2, 32, 16, 2]
        guard fields.count >= 4, fields[0] == "00" ? fields.count == 4 : fields[0] != "ff" else { return false }
        for (field, length) in zip(fields, lengths) {
            guard field.utf8.count == length, field.utf8.allSatisfy({ "0123456789abcdef".utf8.contains($0) }) else {
                return false
            }
        }
        return fields[1].contains { $0 != "0" } && fields[2].contains { $0 != "0" }
    }

    @Test("what may be read and what begins a new trace")
    func readings() {
        let good = "00-\(Self.trace)-\(Self.span)-01"
        for text in [
            good, "01\(good.dropFirst(2))", "fe\(good.dropFirst(2))-what-comes-later", "cc\(good.dropFirst(2))-",
        ] {
            let read = TraceContext(traceparent: text)
            #expect(read?.traceparent == good && read?.traceID == Self.trace && read?.spanID == Self.span, "\(text)")
        }
        for text in [
            "", "00", String(good.dropLast()), good + "-", good + "-00", good + "0", good.uppercased(), " " + good,
            "ff\(good.dropFirst(2))", "01\(good.dropFirst(2))00", "0g\(good.dropFirst(2))",
            "00-\(String(repeating: "0", count: 32))-\(Self.span)-01", "00-\(Self.trace)-0000000000000000-01",
            good.replacing("-", with: "_"), good.replacing("4bf9", with: "4bF9"), good.replacing("-01", with: "-0x"),
        ] {
            #expect(TraceContext(traceparent: text) == nil, "\(text)")
        }
        #expect(TraceContext(traceparents: [good, good], tracestates: []) == nil, "two headers are no choice of ours")
        #expect(TraceContext(traceparents: [], tracestates: ["a=1"]) == nil)
    }

    @Test(
        "every flag that is not known is dropped", arguments: [("00", "00"), ("01", "01"), ("03", "03"), ("ff", "03")])
    func flags(sent: String, passedOn: String) {
        let read = TraceContext(traceparent: "00-\(Self.trace)-\(Self.span)-\(sent)")
        #expect(read?.traceparent == "00-\(Self.trace)-\(Self.span)-\(passedOn)")
    }

    @Test("thousands of texts, each changed in one place, are judged as the rules say")
    func mutations() {
        let seed = PropertySettings.seed
        var random = SeededGenerator(seed: seed)
        var valid = 0
        for round in 0..<PropertySettings.rounds(5_000, proof: 200_000) {
            let context = TraceContext(after: nil, random: &random)
            var text = Array(context.traceparent.utf8)
            let alphabet = Array("0123456789abcdef-0f-0fF g".utf8)
            switch Int.random(in: 0..<5, using: &random) {
            case 0: break
            case 1: text.append(contentsOf: Array("-later".utf8).prefix(.random(in: 0...6, using: &random)))
            case 2: text.removeLast(.random(in: 1...55, using: &random))
            default: break
            }
            for _ in 0..<Int.random(in: 0...2, using: &random) where !text.isEmpty {
                let place = Bool.random(using: &random) ? 0 : Int.random(in: text.indices, using: &random)
                text[place] = alphabet.randomElement(using: &random) ?? 0
            }
            if text.count > 2, Int.random(in: 0..<3, using: &random) == 0 {
                text.replaceSubrange(0..<2, with: Array(["ff", "fe", "01", "cc"].randomElement(using: &random)!.utf8))
            }
            let sent = String(decoding: text, as: UTF8.self)
            let read = TraceContext(traceparent: sent)
            #expect((read != nil) == Self.isValid(sent), "seed \(seed), round \(round): \(sent)")
            if let read {
                valid += 1
                #expect(sent.contains(read.traceID) && sent.contains(read.spanID), "seed \(seed), round \(round)")
                #expect(TraceContext(traceparent: read.traceparent) == read, "seed \(seed), round \(round)")
            }
        }
        #expect(valid > 500, "seed \(seed): the texts are nearly all invalid")
    }

    @Test("a hop keeps trace, flags and state, has a span of its own, and names the one before")
    func hops() throws {
        var random = SeededGenerator(seed: PropertySettings.seed)
        let received = try #require(
            TraceContext(traceparent: "00-\(Self.trace)-\(Self.span)-01", tracestate: "a=1,b=2"))
        let hop = TraceContext(after: received, random: &random)
        #expect(hop.traceID == Self.trace && hop.parentSpanID == Self.span && hop.spanID != Self.span)
        #expect(hop.traceparent == "00-\(Self.trace)-\(hop.spanID)-01" && hop.state == "a=1,b=2")
        let first = TraceContext(after: nil, random: &random)
        #expect(first.parentSpanID == nil && first.traceID != Self.trace && first.state.isEmpty)
        #expect(first.traceparent.hasSuffix("-02"), "a random id that nobody has recorded")
        #expect(TraceContext(traceparent: first.traceparent)?.traceID == first.traceID)
    }

    @Test("a source of zeros still makes ids")
    func zeros() {
        struct Zeros: RandomNumberGenerator { mutating func next() -> UInt64 { 0 } }
        var zeros = Zeros()
        #expect(TraceContext(traceparent: TraceContext(after: nil, random: &zeros).traceparent) != nil)
    }

    @Test("a state is kept whole, cut at its members, or left out")
    func states() throws {
        let parent = "00-\(Self.trace)-\(Self.span)-00"
        func state(_ texts: String...) throws -> String {
            try #require(TraceContext(traceparents: [parent], tracestates: texts)).state
        }
        #expect(try state() == "")
        #expect(try state("rojo=00f067aa0ba902b7, congo=t61rcWkgMzE ") == "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE")
        #expect(try state("a=1", ",\t,b@c=x y", "") == "a=1,b@c=x y", "several headers are one list")
        for text in ["a", "a=", "=1", "A=1", "a=1=2", "a=\u{7F}", "a=é", "a b=1", "a=1,b", "ä=1"] {
            #expect(try state(text) == "", "\(text)")
        }
        let key = String(repeating: "k", count: 256)
        let value = String(repeating: "v", count: 256)
        #expect(try state("\(key)=\(value.dropFirst())") == "\(key)=\(value.dropFirst())", "exactly the bound")
        #expect(try state("a=1,\(key)=\(value),b=2") == "a=1", "nothing is kept behind what does not fit")
        #expect(try state("\(key)k=1") == "" && state("a=\(value)v") == "")
        let many = (0..<40).map { "k\($0)=1" }
        #expect(try state(many.joined(separator: ",")) == many.prefix(32).joined(separator: ","))
    }

    @Test("an event hands its trace on in its metadata, beside what else is there")
    func envelope() throws {
        var event = EventEnvelope(
            name: try #require(EventName("example.hello")), metadata: ["a.b": "c"], payload: JSONText(.object([:])))
        #expect(event.trace == nil)
        let text = "00-\(Self.trace)-\(Self.span)-01"
        event.trace = TraceContext(traceparent: text, tracestate: "a=1")
        #expect(event.metadata == ["a.b": "c", "traceparent": text, "tracestate": "a=1"])
        #expect(try EventEnvelope(decoding: event.encoded()).trace == event.trace)
        event.trace = nil
        #expect(event.metadata == ["a.b": "c"])
        event.metadata["traceparent"] = "nonsense"
        #expect(event.trace == nil)
    }
}
