import BusCore

/// A `Stripe-Signature` header read with patience: what a proxy or a person may have done to it is undone.
///
/// It serves a diagnosis only. Nothing is accepted because of it.
struct SignatureReading {
    /// The different times, at most two: their digits and their numbers.
    private(set) var times: [(digits: [UInt8], seconds: Int64)] = []
    /// The whole `v1` codes, at most `Limits.signatureCandidatesMax`.
    private(set) var codes: [SignatureCode] = []
    /// How many elements are times, readable or not.
    private(set) var timeCount = 0
    private var hasFragment = false
    private var hasOtherScheme = false
    private var looksForeign = false

    /// Reads a header of bounded length.
    init(_ header: String) {
        let text = SignatureReading.mended(header)
        for element in text.split(separator: UInt8(ascii: ",")) { read(element) }
        looksForeign = SignatureReading.isForeign(text)
    }

    /// What is wrong with a header without a whole time and a whole code.
    var cause: SignatureCause {
        if timeCount > 0, times.isEmpty { return .headerUnreadable }
        if times.isEmpty, codes.isEmpty {
            if looksForeign { return .headerOtherProduct }
            if !hasFragment { return .headerUnreadable }
        }
        return hasOtherScheme && !hasFragment && codes.isEmpty ? .headerOtherScheme : .headerIncomplete
    }

    private mutating func read(_ element: ArraySlice<UInt8>) {
        guard let equals = element.firstIndex(of: UInt8(ascii: "=")) else {
            if element.elementsEqual("v1".utf8) || element.elementsEqual("v".utf8) { hasFragment = true }
            return
        }
        let (name, value) = (element[..<equals], element[(equals + 1)...])
        if name.elementsEqual("t".utf8) {
            timeCount += 1
            guard times.count < 2, 1...18 ~= value.count, let seconds = Int64(String(decoding: value, as: UTF8.self)),
                seconds >= 0, value.first != UInt8(ascii: "+"), !times.contains(where: { $0.digits[...] == value })
            else { return }
            times.append((Array(value), seconds))
        } else if name.elementsEqual("v1".utf8) {
            if let code = SignatureCode(digits: value.span) {
                if codes.count < Limits.signatureCandidatesMax { codes.append(code) }
            } else {
                hasFragment = true
            }
        } else if name.first == UInt8(ascii: "v") {
            hasOtherScheme = true
        }
    }

    /// Lower-case, without a name in front, quotes, percent escapes and blanks; other separators become commas.
    private static func mended(_ header: String) -> [UInt8] {
        var text = Array(header.lowercased().utf8)
        let name = Array("stripe-signature:".utf8)
        let start = text.firstIndex { !isBlank($0) } ?? 0
        if text[start...].starts(with: name) { text.removeFirst(start + name.count) }
        var mended: [UInt8] = []
        mended.reserveCapacity(text.count)
        var index = 0
        while index < text.count {
            let byte = text[index]
            index += 1
            if byte == UInt8(ascii: "%"), index + 1 < text.count, let high = hexValue(text[index]),
                let low = hexValue(text[index + 1])
            {
                mended.append(high << 4 | low)
                index += 2
            } else if isBlank(byte) {
                if let last = mended.last, last != UInt8(ascii: "="), last != UInt8(ascii: ",") {
                    mended.append(UInt8(ascii: ","))
                }
            } else if byte == UInt8(ascii: ";") || byte == UInt8(ascii: "&") {
                mended.append(UInt8(ascii: ","))
            } else if byte != UInt8(ascii: "\""), byte != UInt8(ascii: "'"), byte != UInt8(ascii: "\\") {
                mended.append(byte)
            }
        }
        return mended
    }

    /// Signatures as GitHub, Slack, Svix, Paddle and shops write them.
    private static func isForeign(_ text: [UInt8]) -> Bool {
        let prefixes = ["sha256=", "sha1=", "v0=", "v1,", "ts=", "h1=", "hmac", "keyid="]
        if prefixes.contains(where: { text.starts(with: $0.utf8) }) { return true }
        let isOneWord = text.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
            case UInt8(ascii: "+"), UInt8(ascii: "/"), UInt8(ascii: "="), UInt8(ascii: "-"), UInt8(ascii: "_"): true
            default: false
            }
        }
        return isOneWord && text.count >= 40
    }

    private static func isBlank(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D
    }
}
