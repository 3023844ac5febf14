import BusCore

/// Parameters of a call as their bracket names spell them: `recurring[interval]=month` is a text in a map.
package enum ParameterTree: Hashable, Sendable {
    case text(String)
    /// Lists are maps whose keys are numbers.
    case map([String: ParameterTree])

    /// A call without parameters.
    package static let none = ParameterTree.map([:])

    /// Decoded pairs as a tree; nil for names that contradict each other, go too deep or are too many.
    package init?(pairs: some Sequence<(String, String)>) {
        var tree = ParameterTree.none
        var count = 0
        for (key, value) in pairs {
            count += 1
            guard count <= Limits.sandboxParametersMax, let path = ParameterTree.path(of: key),
                tree.put(value, at: path)
            else { return nil }
        }
        self = tree
    }

    /// A body or query as it was sent, `a[b]=c&…`; nil when it cannot be read.
    package init?(encoded form: some StringProtocol) {
        var pairs: [(String, String)] = []
        for pair in form.split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let key = ParameterTree.decoded(parts[0]),
                let value = parts.count > 1 ? ParameterTree.decoded(parts[1]) : ""
            else { return nil }
            pairs.append((key, value))
        }
        self.init(pairs: pairs)
    }

    /// `a[b][0]` as `a`, `b`, `0`; a pair of empty brackets is an empty part.
    private static func path(of key: String) -> [Substring]? {
        var parts: [Substring] = []
        let open = key.firstIndex(of: "[") ?? key.endIndex
        parts.append(key[..<open])
        var rest = key[open...]
        while !rest.isEmpty {
            guard rest.first == "[", let close = rest.firstIndex(of: "]") else { return nil }
            parts.append(rest[rest.index(after: rest.startIndex)..<close])
            rest = rest[rest.index(after: close)...]
        }
        return parts[0].isEmpty || parts.count > Limits.sandboxParameterDepthMax ? nil : parts
    }

    private mutating func put(_ value: String, at path: [Substring]) -> Bool {
        guard case .map(var members) = self, let first = path.first else { return false }
        let name = first.isEmpty ? String(members.count) : String(first)
        if path.count == 1 {
            if case .map? = members[name] { return false }
            members[name] = .text(value)
        } else {
            var inner = members[name] ?? .none
            members[name] = nil
            guard inner.put(value, at: Array(path.dropFirst())) else { return false }
            members[name] = inner
        }
        self = .map(members)
        return true
    }

    /// Percent-decodes; nil for text that is not encoded so.
    ///
    /// In forms a plus is a blank, in paths it is not.
    package static func decoded(_ text: some StringProtocol, plusIsBlank: Bool = true) -> String? {
        var bytes: [UInt8] = []
        var rest = text.utf8.makeIterator()
        while let byte = rest.next() {
            switch byte {
            case UInt8(ascii: "+") where plusIsBlank: bytes.append(UInt8(ascii: " "))
            case UInt8(ascii: "%"):
                guard let high = rest.next().flatMap(hexValue), let low = rest.next().flatMap(hexValue) else {
                    return nil
                }
                bytes.append(high << 4 | low)
            default: bytes.append(byte)
            }
        }
        return String(validating: bytes, as: UTF8.self)
    }
}

extension ParameterTree {
    /// The tree with a call's changes in it: maps member by member, lists whole.
    func changed(by changes: ParameterTree) -> ParameterTree {
        guard case .map(let kept) = self, case .map(let members) = changes,
            members.keys.contains(where: { Int($0) == nil })
        else { return changes }
        return .map(kept.merging(members) { $0.changed(by: $1) })
    }

    /// A member, where this is a map that has it.
    package subscript(name: String) -> ParameterTree? {
        guard case .map(let members) = self else { return nil }
        return members[name]
    }

    /// A text that is there and not empty.
    package func text(_ name: String) -> String? { given(name)?.nonEmpty }

    /// A text that is there; empty takes the field's value away.
    package func given(_ name: String) -> String? {
        if case .text(let text)? = self[name] { return text }
        return nil
    }

    /// A number.
    package func integer(_ name: String) -> Int64? { text(name).flatMap { Int64($0) } }

    /// A bool.
    package func flag(_ name: String) -> Bool? { text(name).map { $0 == "true" } }

    /// The elements of a list, in order.
    package func list(_ name: String) -> [ParameterTree] {
        guard case .map(let members)? = self[name] else { return [] }
        return members.sorted { (Int($0.key) ?? .max, $0.key) < (Int($1.key) ?? .max, $1.key) }.map(\.value)
    }

    /// The texts of a list, in order.
    package func texts(_ name: String) -> [String] {
        list(name).compactMap { if case .text(let text) = $0 { text } else { nil } }
    }

    /// The members, of a map.
    package var members: [String: ParameterTree]? {
        if case .map(let members) = self { return members }
        return nil
    }

    /// The members of a map; nil where the field is absent.
    package func map(_ name: String) -> [String: ParameterTree]? {
        if case .map(let members)? = self[name] { return members }
        return nil
    }
}
