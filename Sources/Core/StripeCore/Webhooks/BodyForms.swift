import BusCore
import FoundationEssentials

/// How a body can be changed on the way so that what was signed can be made again.
package enum BodyChange: String, Sendable, CaseIterable {
    /// Something was added at the end: a line end, blanks, zero bytes.
    case endAdded = "end_added"
    /// The line end at the end is gone.
    case endRemoved = "end_removed"
    /// Line feeds became CR LF, or the reverse.
    case lineEnds = "line_ends"
    /// A byte order mark was put in front.
    case byteOrderMark = "byte_order_mark"
    /// UTF-8 became UTF-16.
    case utf16
    /// UTF-8 became one byte a character, as ISO 8859-1 or Windows-1252.
    case latin1
    /// UTF-8 was taken for ISO 8859-1 or Windows-1252 and encoded once more.
    case encodedTwice = "encoded_twice"
    /// The body was written as Base64.
    case base64
    /// The document became the text of a JSON string.
    case jsonString = "json_string"
    /// The JSON was written anew with other white space.
    case jsonWhitespace = "json_whitespace"
    /// The JSON was written anew with other escapes in its strings.
    case jsonEscapes = "json_escapes"
    /// The JSON was written anew with its keys in another order.
    case jsonKeyOrder = "json_key_order"
    /// Characters were replaced by U+FFFD, which cannot be undone.
    case lostCharacters = "lost_characters"

    /// The change in words.
    package var evidence: String {
        switch self {
        case .endAdded: "something was added at its end"
        case .endRemoved: "the line end at its end was removed"
        case .lineEnds: "its line ends were changed"
        case .byteOrderMark: "a byte order mark was put in front"
        case .utf16: "it was converted to UTF-16"
        case .latin1: "it was converted to one byte a character"
        case .encodedTwice: "it was encoded as UTF-8 twice"
        case .base64: "it was written as Base64"
        case .jsonString: "it was written as a JSON string"
        case .jsonWhitespace: "its JSON was written anew with other white space"
        case .jsonEscapes: "its JSON was written anew with other escapes"
        case .jsonKeyOrder: "its JSON was written anew with its keys in another order"
        case .lostCharacters: "characters were replaced by U+FFFD"
        }
    }
}

/// What may have been signed in the place of a body that came, one form after the other, the usual ones first.
struct BodyForms {
    /// A body before a change.
    struct Form {
        let bytes: [UInt8]
        /// Nil for JSON written anew with its keys as they came, which is looked at only when it fits.
        fileprivate let knownChange: BodyChange?
    }

    private enum Step {
        case text(BodyChange?, TextStep)
        case json(JSONStyle)
    }

    private enum TextStep: CaseIterable {
        case asItIs, lineEndRemoved, endRemoved, lineFeeds, lineFeedsEndRemoved, endAdded, carriageReturns
    }

    private let received: [UInt8]
    private var steps: ArraySlice<Step>
    private var decoded: (change: BodyChange?, bytes: [UInt8]?)
    private var document: JSONDocument?
    private var seen: Set<[UInt8]>

    init(_ received: [UInt8]) {
        self.received = received
        decoded = (nil, received)
        seen = [received]
        let decodings: [BodyChange] = [.byteOrderMark, .utf16, .latin1, .encodedTwice, .base64, .jsonString]
        steps =
            (TextStep.allCases.map { Step.text(nil, $0) } + JSONStyle.asReceived.map(Step.json)
            + decodings.flatMap { change in TextStep.allCases.map { Step.text(change, $0) } }
            + JSONStyle.sorted.map(Step.json))[...]
    }

    /// The next form that was not there before; nil at the end, and when the effort is used up.
    mutating func next(_ effort: inout DiagnosisEffort) -> Form? {
        while let step = steps.popFirst() {
            guard effort.takeBytes(received.count) else { return nil }
            let form: Form? =
                switch step {
                case .text(let change, let step): text(change, step)
                case .json(let style): json(style, bytesMax: effort.bytesLeft)
                }
            if let form, seen.insert(form.bytes).inserted { return form }
        }
        return nil
    }

    /// What was done to the body since it was this form.
    func change(since form: Form) -> BodyChange {
        if let change = form.knownChange { return change }
        let isSame = JSONDocument.withoutWhitespace(form.bytes) == JSONDocument.withoutWhitespace(received)
        return isSame ? .jsonWhitespace : .jsonEscapes
    }

    // MARK: Text

    private mutating func text(_ change: BodyChange?, _ step: TextStep) -> Form? {
        if decoded.change != change { decoded = (change, change.flatMap { BodyForms.undoing($0, received) }) }
        guard let bytes = decoded.bytes else { return nil }
        let (form, usual): ([UInt8]?, BodyChange) =
            switch step {
            case .asItIs: (change == nil ? nil : bytes, .endAdded)
            case .lineEndRemoved: (BodyForms.withoutLineEnd(bytes), .endAdded)
            case .endRemoved: (BodyForms.withoutEnd(bytes), .endAdded)
            case .lineFeeds: (BodyForms.withLineFeeds(bytes), .lineEnds)
            case .lineFeedsEndRemoved: (BodyForms.withLineFeeds(bytes).map(BodyForms.withoutEnd), .lineEnds)
            case .endAdded: (bytes + [0x0A], .endRemoved)
            case .carriageReturns: (change == nil ? BodyForms.withCarriageReturns(bytes) : nil, .lineEnds)
            }
        return form.map { Form(bytes: $0, knownChange: change ?? usual) }
    }

    /// The bytes without one line end; nil when there is none.
    private static func withoutLineEnd(_ bytes: [UInt8]) -> [UInt8]? {
        guard bytes.last == 0x0A else { return nil }
        return bytes.dropLast(bytes.dropLast().last == 0x0D ? 2 : 1)
    }

    /// The bytes without white space and zero bytes at the end.
    private static func withoutEnd(_ bytes: [UInt8]) -> [UInt8] {
        var end = bytes.count
        while end > 0, bytes[end - 1] == 0 || bytes[end - 1].isJSONWhitespace { end -= 1 }
        return Array(bytes[..<end])
    }

    /// CR LF as LF; nil without a CR.
    private static func withLineFeeds(_ bytes: [UInt8]) -> [UInt8]? {
        guard bytes.contains(0x0D) else { return nil }
        var changed: [UInt8] = []
        changed.reserveCapacity(bytes.count)
        for byte in bytes {
            if byte == 0x0A, changed.last == 0x0D { changed.removeLast() }
            changed.append(byte)
        }
        return changed
    }

    /// LF as CR LF; nil where there is nothing to do.
    private static func withCarriageReturns(_ bytes: [UInt8]) -> [UInt8]? {
        guard bytes.contains(0x0A), !bytes.contains(0x0D) else { return nil }
        var changed: [UInt8] = []
        changed.reserveCapacity(bytes.count + bytes.count / 8)
        for byte in bytes {
            if byte == 0x0A { changed.append(0x0D) }
            changed.append(byte)
        }
        return changed
    }

    // MARK: Encodings

    /// The bytes before the change; nil when these are not what the change makes.
    private static func undoing(_ change: BodyChange, _ bytes: [UInt8]) -> [UInt8]? {
        switch change {
        case .byteOrderMark: bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? Array(bytes.dropFirst(3)) : nil
        case .utf16: fromUTF16(bytes)
        case .latin1: bytes.isUTF8 ? nil : Array(String(String.UnicodeScalarView(bytes.map(OneByteText.scalar))).utf8)
        case .encodedTwice: fromTwice(bytes)
        case .base64: Data(base64Encoded: Data(withoutEnd(bytes))).map { Array($0) }
        case .jsonString:
            (try? JSONValue(parsing: bytes))?.text.map { Array($0.utf8) }
        default: nil
        }
    }

    /// UTF-8 of UTF-16 in either order, with or without its mark.
    private static func fromUTF16(_ bytes: [UInt8]) -> [UInt8]? {
        guard bytes.count >= 2, bytes.count.isMultiple(of: 2) else { return nil }
        let isLittle = bytes[0] == 0xFF && bytes[1] == 0xFE || bytes[0] != 0 && bytes[1] == 0
        let isBig = bytes[0] == 0xFE && bytes[1] == 0xFF || bytes[0] == 0 && bytes[1] != 0
        guard isLittle || isBig else { return nil }
        let units = stride(from: 0, to: bytes.count, by: 2).map { index in
            let (first, second) = (UInt16(bytes[index]), UInt16(bytes[index + 1]))
            return isLittle ? second << 8 | first : first << 8 | second
        }
        return Array(String(decoding: units.first == 0xFEFF ? units.dropFirst() : units[...], as: UTF16.self).utf8)
    }

    /// The bytes that were taken for characters of one byte each.
    private static func fromTwice(_ bytes: [UInt8]) -> [UInt8]? {
        guard bytes.contains(where: { $0 >= 0x80 }), let text = String(validating: bytes, as: UTF8.self) else {
            return nil
        }
        var single: [UInt8] = []
        single.reserveCapacity(bytes.count)
        for scalar in text.unicodeScalars {
            guard let byte = OneByteText.byte(scalar) else { return nil }
            single.append(byte)
        }
        return single
    }

    // MARK: JSON

    /// The JSON written in a style.
    private mutating func json(_ style: JSONStyle, bytesMax: Int) -> Form? {
        guard received.count <= Limits.diagnosisJSONBytesMax else { return nil }
        if document == nil { document = JSONDocument(received) }
        guard let written = document?.written(style, bytesMax: bytesMax) else { return nil }
        return Form(bytes: written, knownChange: style.sortsKeys ? .jsonKeyOrder : nil)
    }
}

/// ISO 8859-1, with the characters that Windows-1252 has in the place of its second set of control characters.
private enum OneByteText {
    static func scalar(_ byte: UInt8) -> Unicode.Scalar {
        guard 0x80...0x9F ~= byte else { return Unicode.Scalar(byte) }
        return Unicode.Scalar(windows[Int(byte) - 0x80]) ?? Unicode.Scalar(byte)
    }

    static func byte(_ scalar: Unicode.Scalar) -> UInt8? {
        if let byte = UInt8(exactly: scalar.value) { return byte }
        return windows.firstIndex { UInt32($0) == scalar.value }.map { UInt8($0 + 0x80) }
    }

    private static let windows: [UInt16] = [
        0x20AC, 0x81, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160, 0x2039, 0x0152, 0x8D,
        0x017D, 0x8F, 0x90, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A,
        0x0153, 0x9D, 0x017E, 0x0178,
    ]
}
