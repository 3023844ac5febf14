import BusCore

/// A body whose signature was checked; only `WebhookSignature.verify` makes one.
///
/// It points to the caller's bytes and is valid only as long as they live.
package struct VerifiedWebhook {
    /// The signed bytes.
    package let body: UnsafeRawBufferPointer
    /// The keys that signed it, as bits by their place; the last bit stands for all places behind it too.
    private let signers: UInt64

    fileprivate init(_ body: UnsafeRawBufferPointer, signers: UInt64) {
        self.body = body
        self.signers = signers
    }

    /// True when the key at that place of the rules signed it: while Stripe rolls a secret, both do.
    package func isSigned(byKeyAt place: Int) -> Bool {
        signers >> UInt64(min(place, 63)) & 1 == 1
    }
}

/// The check of `Stripe-Signature`; docs/webhook-signatures.md has its rules.
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
        let signers = SignatureHeader.signers(in: bytes, time: time.digits, body: body, keys: keys)
        guard signers != 0 else { throw .noMatch }
        let tolerance = Int64(toleranceSeconds)
        guard let moment = Timestamp(seconds: time.seconds), now.advanced(bySeconds: tolerance) >= moment else {
            throw .fromFuture
        }
        guard moment.advanced(bySeconds: tolerance) >= now else { throw .tooOld }
        return VerifiedWebhook(body, signers: signers)
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

    /// The keys under which a `v1` is the code of the signed bytes, as bits by their place.
    static func signers(
        in header: Span<UInt8>, time: Range<Int>, body: UnsafeRawBufferPointer, keys: [WebhookKey]
    ) -> UInt64 {
        var signers: UInt64 = 0
        for (place, key) in keys.enumerated() {
            let expected = header.extracting(time).withUnsafeBytes { key.hash.code(time: $0, body: body) }
            var candidates = 0
            var next = 0
            while candidates < Limits.signatureCandidatesMax, let element = nextElement(in: header, &next) {
                guard element.count >= 3, header[element.lowerBound] == UInt8(ascii: "v"),
                    header[element.lowerBound + 1] == UInt8(ascii: "1"),
                    header[element.lowerBound + 2] == UInt8(ascii: "=")
                else { continue }
                candidates += 1
                let code = SignatureCode(digits: header.extracting(element.lowerBound + 3..<element.upperBound))
                if code == expected { signers |= 1 << UInt64(min(place, 63)) }
            }
        }
        return signers
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
