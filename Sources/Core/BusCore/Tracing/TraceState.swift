/// The list of `tracestate`, which is checked, cut to a bound, and never interpreted.
enum TraceState {
    /// The members that are passed on, from the first: at most `Limits.traceStateMembersMax`, and as many whole ones as
    /// fit into `Limits.traceStateBytesMax`; nil when the text is not such a list.
    static func kept(of text: String) -> String? {
        // What no sender may send is not worth reading.
        guard text.utf8.count <= Limits.requestHeadBytesMax else { return nil }
        var kept = ""
        var count = 0
        for part in text.utf8.split(separator: UInt8(ascii: ",")) {
            let member = trimmed(part)
            if member.isEmpty { continue }
            guard isMember(member) else { return nil }
            count += 1
            // Everything behind the bound is still checked, so that a list is good or bad as a whole.
            if count > Limits.traceStateMembersMax { continue }
            let bytes = kept.utf8.count + (kept.isEmpty ? 0 : 1) + member.count
            if bytes > Limits.traceStateBytesMax {
                count = Limits.traceStateMembersMax
                continue
            }
            if !kept.isEmpty { kept += "," }
            kept += Substring(member)
        }
        return kept
    }

    private static func trimmed(_ part: Substring.UTF8View) -> Substring.UTF8View {
        var part = part
        while let first = part.first, first == 0x20 || first == 0x09 { part.removeFirst() }
        while let last = part.last, last == 0x20 || last == 0x09 { part.removeLast() }
        return part
    }

    /// `key=value`: the key begins with a lower-case letter or a digit; the value is printable, without `,` and `=`.
    private static func isMember(_ member: Substring.UTF8View) -> Bool {
        guard let middle = member.firstIndex(of: UInt8(ascii: "=")) else { return false }
        let (key, value) = (member[..<middle], member[member.index(after: middle)...])
        guard let first = key.first, isLetterOrDigit(first), key.count <= 256, 1...256 ~= value.count else {
            return false
        }
        return key.allSatisfy { isLetterOrDigit($0) || "_-*/@".utf8.contains($0) }
            && value.allSatisfy { 0x20...0x7E ~= $0 && $0 != UInt8(ascii: ",") && $0 != UInt8(ascii: "=") }
    }

    private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte || UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte
    }
}
