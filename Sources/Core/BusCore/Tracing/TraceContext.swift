/// One hop of a trace, in the form of the W3C Trace Context recommendation: which trace it belongs to, what its own span
/// is called, and whose span called for it.
///
/// It correlates log lines and events. Nothing else may depend on it, because strangers choose it.
package struct TraceContext: Hashable, Sendable {
    private let high: UInt64
    private let low: UInt64
    private let span: UInt64
    /// Nil for the first hop of a trace, and for a hop that was read and not made here.
    private let parent: UInt64?
    private let flags: Flags
    /// What tracing systems keep beside it: the members of `tracestate`, passed on as they came.
    package let state: String

    /// The bits of the flags that are passed on; all others are reserved.
    private struct Flags: OptionSet, Hashable, Sendable {
        let rawValue: UInt8
        /// Whoever called may have recorded its span.
        static let sampled = Flags(rawValue: 1)
        /// The trace id was made of random bits.
        static let random = Flags(rawValue: 2)
        static let known: Flags = [.sampled, .random]
    }

    /// The next hop: of the trace that was received, or of a new one when none was.
    ///
    /// - Parameter random: Where ids come from.
    package init(after received: TraceContext?, random: inout some RandomNumberGenerator) {
        // The recommendation forbids an id of zeros.
        span = max(random.next(), 1)
        guard let received else {
            high = random.next()
            low = max(random.next(), 1)
            (parent, flags, state) = (nil, .random, "")
            return
        }
        (high, low, parent) = (received.high, received.low, received.span)
        (flags, state) = (received.flags, received.state)
    }

    /// Reads the headers of a request; nil unless there is exactly one `traceparent`, and it is valid.
    package init?(traceparents: [String], tracestates: [String]) {
        guard traceparents.count == 1 else { return nil }
        // Several headers of one name are one list (RFC 9110 5.3).
        self.init(traceparent: traceparents[0], tracestate: tracestates.joined(separator: ","))
    }

    /// Reads `traceparent`, and `tracestate` beside it; nil for a text that is not valid.
    ///
    /// A `tracestate` that cannot be read is left out, as the recommendation asks for.
    package init?(traceparent: String, tracestate: String = "") {
        let text = traceparent.utf8.span
        guard text.count >= Layout.bytes, let version = text.hexNumber(Layout.version), version != 0xFF,
            version == 0 ? text.count == Layout.bytes : text.isDash(Layout.bytes, orEnd: true),
            text.isDash(Layout.version.upperBound), text.isDash(Layout.low.upperBound),
            text.isDash(Layout.span.upperBound),
            let high = text.hexNumber(Layout.high), let low = text.hexNumber(Layout.low), high | low != 0,
            let span = text.hexNumber(Layout.span), span != 0,
            let flags = text.hexNumber(Layout.flags)
        else { return nil }
        (self.high, self.low, self.span, parent) = (high, low, span, nil)
        self.flags = Flags(rawValue: UInt8(flags)).intersection(.known)
        state = tracestate.isEmpty ? "" : TraceState.kept(of: tracestate) ?? ""
    }

    /// Where the fields of `traceparent` lie; a later version may add more behind them.
    private enum Layout {
        static let version = 0..<2
        static let high = 3..<19
        static let low = 19..<35
        static let span = 36..<52
        static let flags = 53..<55
        static let bytes = 55
    }

    /// What the next hop is told: `00-<trace id>-<span id>-<flags>`.
    package var traceparent: String {
        String(unsafeUninitializedCapacity: Layout.bytes) { text in
            text.initialize(repeating: UInt8(ascii: "-"))
            text.write(hexOf: 0, at: Layout.version)
            text.write(hexOf: high, at: Layout.high)
            text.write(hexOf: low, at: Layout.low)
            text.write(hexOf: span, at: Layout.span)
            text.write(hexOf: UInt64(flags.rawValue), at: Layout.flags)
            return Layout.bytes
        }
    }

    /// 32 lower-case hexadecimal digits, the same at every hop.
    package var traceID: String { TraceContext.hex(high) + TraceContext.hex(low) }
    /// The 16 digits of this hop.
    package var spanID: String { TraceContext.hex(span) }
    /// The 16 digits of the hop before it; nil for the first one.
    package var parentSpanID: String? { parent.map(TraceContext.hex) }

    private static func hex(_ number: UInt64) -> String {
        String(unsafeUninitializedCapacity: 16) { text in
            text.initialize(repeating: 0)
            text.write(hexOf: number, at: 0..<16)
            return 16
        }
    }
}

extension EventEnvelope {
    /// The hop that published it, as its metadata says; nil when they say nothing that can be read.
    package var trace: TraceContext? {
        get {
            metadata["traceparent"].flatMap {
                TraceContext(traceparent: $0, tracestate: metadata["tracestate"] ?? "")
            }
        }
        set {
            metadata["traceparent"] = newValue?.traceparent
            metadata["tracestate"] = newValue.flatMap { $0.state.isEmpty ? nil : $0.state }
        }
    }
}

extension Span<UInt8> {
    /// The number that lower-case hexadecimal digits make; nil when one of them is anything else.
    fileprivate func hexNumber(_ digits: Range<Int>) -> UInt64? {
        var number: UInt64 = 0
        for index in digits {
            let digit: UInt8
            switch self[index] {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = self[index] - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = self[index] - UInt8(ascii: "a") + 10
            default: return nil
            }
            number = number << 4 | UInt64(digit)
        }
        return number
    }

    fileprivate func isDash(_ index: Int, orEnd mayEnd: Bool = false) -> Bool {
        index < count ? self[index] == UInt8(ascii: "-") : mayEnd
    }
}

extension UnsafeMutableBufferPointer<UInt8> {
    /// Writes the last digits of a number, as many as there is place for.
    fileprivate func write(hexOf number: UInt64, at place: Range<Int>) {
        var rest = number
        for index in place.reversed() {
            self[index] = hexDigit(UInt8(truncatingIfNeeded: rest & 15))
            rest >>= 4
        }
    }
}
