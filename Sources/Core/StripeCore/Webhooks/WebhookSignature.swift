import BusCore
import Crypto

/// One signing secret, kept as the keyed state of its HMAC: a request copies the state instead of hashing the key again.
package struct WebhookKey: Sendable, CustomStringConvertible, CustomReflectable {
    let keyed: HMAC<SHA256>

    /// A key from a whole secret, `whsec_` included: it is the HMAC key as it stands (stripe.md 8.1).
    ///
    /// Nil for an empty secret, which would verify anybody's signature.
    package init?(_ secret: Secret) {
        let text = secret.reveal()
        guard !text.isEmpty else { return nil }
        keyed = HMAC<SHA256>(key: SymmetricKey(data: Array(text.utf8)))
    }

    /// The keys of a comma-separated list, for the time of a rotation; whitespace around each is dropped (bus.md 5.4).
    package static func keys(in configured: Secret) -> [WebhookKey] {
        configured.reveal().split(separator: ",").compactMap { part in
            WebhookKey(Secret(String(part.trimmingASCIIWhitespace())))
        }
    }

    /// True when every secret of such a list begins as Stripe's do.
    package static func looksRight(_ configured: Secret) -> Bool {
        configured.reveal().split(separator: ",").allSatisfy { $0.trimmingASCIIWhitespace().hasPrefix("whsec_") }
    }

    /// Always `[redacted]`.
    package var description: String { "[redacted]" }
    /// Shows nothing of the key.
    package var customMirror: Mirror { Mirror(self, children: []) }
}

/// Why a webhook is not believed.
package enum SignatureFault: Error, Equatable, Sendable {
    /// No signing secret is configured, so nothing can be verified.
    case noKeys
    /// No `Stripe-Signature` header, or an empty one.
    case missing
    /// The header has no usable `t`, more than one, or is too long.
    case malformed
    /// No `v1` of the header belongs to the body under any key.
    case noMatch
    /// The signature is right, but its time is too far from now.
    case outOfTolerance
}

/// A body whose signature was checked; only `WebhookSignature.verify` makes one.
///
/// It points to the caller's bytes and is valid only as long as they live.
package struct VerifiedWebhook {
    /// The signed bytes.
    package let body: UnsafeRawBufferPointer

    fileprivate init(_ body: UnsafeRawBufferPointer) {
        self.body = body
    }
}

/// The check of `Stripe-Signature` (bus.md 5.4, stripe.md 8.2).
package enum WebhookSignature {
    /// Checks the signature first, then its age: what is not signed is never interpreted.
    package static func verify(
        _ body: UnsafeRawBufferPointer, header: String, keys: [WebhookKey], at now: Timestamp, toleranceSeconds: Int
    ) throws(SignatureFault) -> VerifiedWebhook {
        if keys.isEmpty { throw .noKeys }
        if header.isEmpty { throw .missing }
        guard header.utf8.count <= Limits.signatureHeaderBytesMax else { throw .malformed }
        let bytes = header.utf8.span
        let time = try SignatureHeader.time(in: bytes)
        guard SignatureHeader.hasMatch(in: bytes, time: time.digits, body: body, keys: keys) else { throw .noMatch }
        let tolerance = Int64(toleranceSeconds)
        guard let moment = Timestamp(seconds: time.seconds), moment.advanced(bySeconds: tolerance) >= now,
            now.advanced(bySeconds: tolerance) >= moment
        else { throw .outOfTolerance }
        return VerifiedWebhook(body)
    }
}

/// The elements of a `Stripe-Signature` header, read in place.
private enum SignatureHeader {
    /// The one `t`: where its digits lie, and the number they make.
    static func time(in header: Span<UInt8>) throws(SignatureFault) -> (digits: Range<Int>, seconds: Int64) {
        var found: Range<Int>?
        var next = 0
        while let element = nextElement(in: header, &next) {
            guard element.count >= 2, header[element.lowerBound] == UInt8(ascii: "t"),
                header[element.lowerBound + 1] == UInt8(ascii: "=")
            else { continue }
            if found != nil { throw .malformed }
            found = element.lowerBound + 2..<element.upperBound
        }
        guard let found, 1...18 ~= found.count else { throw .malformed }
        var seconds: Int64 = 0
        for index in found {
            let digit = header[index] &- UInt8(ascii: "0")
            guard digit < 10 else { throw .malformed }
            seconds = seconds * 10 + Int64(digit)
        }
        return (found, seconds)
    }

    /// True when any `v1` is the code of time and body under any key.
    static func hasMatch(
        in header: Span<UInt8>, time: Range<Int>, body: UnsafeRawBufferPointer, keys: [WebhookKey]
    ) -> Bool {
        for key in keys {
            var hmac = key.keyed
            header.extracting(time).withUnsafeBytes { hmac.update(data: $0) }
            withUnsafeBytes(of: UInt8(ascii: ".")) { hmac.update(data: $0) }
            hmac.update(data: body)
            let expected = Code(hmac.finalize())
            var candidates = 0
            var next = 0
            while candidates < Limits.signatureCandidatesMax, let element = nextElement(in: header, &next) {
                guard element.count >= 3, header[element.lowerBound] == UInt8(ascii: "v"),
                    header[element.lowerBound + 1] == UInt8(ascii: "1"),
                    header[element.lowerBound + 2] == UInt8(ascii: "=")
                else { continue }
                candidates += 1
                let digits = element.lowerBound + 3..<element.upperBound
                if let candidate = Code(hex: header, digits), candidate.equals(expected) { return true }
            }
        }
        return false
    }

    /// The next part between commas, without the blanks around it.
    private static func nextElement(in header: Span<UInt8>, _ next: inout Int) -> Range<Int>? {
        guard next < header.count else { return nil }
        var start = next
        var end = start
        while end < header.count, header[end] != UInt8(ascii: ",") { end += 1 }
        next = end + 1
        while start < end, isBlank(header[start]) { start += 1 }
        while start < end, isBlank(header[end - 1]) { end -= 1 }
        return start..<end
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }
}

/// The 32 bytes of a code as four words, so that neither parsing nor comparing allocates.
private struct Code {
    private var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)

    init(_ code: HMAC<SHA256>.MAC) {
        code.withUnsafeBytes { bytes in
            guard bytes.count == 32 else { return }
            words = (Code.word(bytes, 0), Code.word(bytes, 8), Code.word(bytes, 16), Code.word(bytes, 24))
        }
    }

    /// Exactly 64 lower-case hexadecimal digits.
    init?(hex header: Span<UInt8>, _ digits: Range<Int>) {
        guard digits.count == 64 else { return nil }
        var invalid: UInt8 = 0
        func word(_ offset: Int) -> UInt64 {
            var value: UInt64 = 0
            for index in offset..<offset + 16 {
                let digit = Code.values[Int(header[digits.lowerBound + index])]
                invalid |= digit & 0xF0
                value = value << 4 | UInt64(digit & 0x0F)
            }
            return value
        }
        words = (word(0), word(16), word(32), word(48))
        if invalid != 0 { return nil }
    }

    /// Looks at every word whatever the others hold: the time tells nothing about where two codes differ.
    func equals(_ other: Code) -> Bool {
        let difference =
            (words.0 ^ other.words.0) | (words.1 ^ other.words.1) | (words.2 ^ other.words.2)
            | (words.3 ^ other.words.3)
        return difference == 0
    }

    private static func word(_ bytes: UnsafeRawBufferPointer, _ offset: Int) -> UInt64 {
        UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }

    /// The value of every byte as a lower-case hexadecimal digit, 0xFF for the others.
    private static let values: [UInt8] = (0...255).map { byte in
        switch UInt8(byte) {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt8(byte) - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt8(byte) - UInt8(ascii: "a") + 10
        default: 0xFF
        }
    }
}
