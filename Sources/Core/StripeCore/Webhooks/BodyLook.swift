import BusCore

/// What an unsigned body looks like.
///
/// Nothing follows from it but a word of advice.
enum BodyLook {
    /// What came in the place of an event; nil when it looks like one.
    static func cause(_ bytes: UnsafeRawBufferPointer) -> SignatureCause? {
        if bytes.allSatisfy(\.isJSONWhitespace) { return .bodyEmpty }
        let magics: [[UInt8]] = [[0x1F, 0x8B], [0x28, 0xB5, 0x2F, 0xFD], [0x78, 0x01], [0x78, 0x9C], [0x78, 0xDA]]
        if magics.contains(where: { bytes.starts(with: $0) }) { return .bodyCompressed }
        do throws(JSONFault) {
            var reader = JSONReader(bytes)
            try reader.enterObject()
            while try reader.nextKey() != nil { try reader.skipValue() }
            try reader.finish()
            return nil
        } catch .malformed(let offset) where offset >= bytes.count && offset > 0 {
            return .bodyCut
        } catch {
            return .bodyNotJSON
        }
    }

    /// The mode that it says it belongs to.
    static func livemode(_ body: UnsafeRawBufferPointer) -> Bool? {
        var reader = JSONReader(body)
        var livemode: Bool?
        do throws(JSONFault) {
            try reader.enterObject()
            while let key = try reader.nextMember() {
                if key == "livemode", try reader.peek() == .bool {
                    livemode = try reader.bool()
                } else {
                    try reader.skipValue()
                }
            }
        } catch {
            return nil
        }
        return livemode
    }

    /// True when it holds U+FFFD, which programs write for what they cannot read.
    static func hasLostCharacters(_ bytes: UnsafeRawBufferPointer) -> Bool {
        bytes.indices.dropLast(2).contains { bytes[$0] == 0xEF && bytes[$0 + 1] == 0xBF && bytes[$0 + 2] == 0xBD }
    }
}
