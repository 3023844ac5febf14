/// What a request's target means, however its sender or a proxy spelled it.
package enum RequestTarget {
    /// Path and query of `/a/b?q`, `//a//b/?q` or `http://host/a/b?q`: single slashes, and none at the end.
    package static func normalized(_ target: String) -> String {
        if isPlain(target.utf8) { return target }
        var rest = Substring(target)
        if !rest.hasPrefix("/") {
            // Only an absolute form has a path; `*` and `host:port` stay what they are.
            guard let authority = absoluteForm(rest) else { return target }
            rest = authority.drop { $0 != "/" && $0 != "?" }
        }
        let path = rest.prefix { $0 != "?" }
        let segments = path.split(separator: "/")
        return "/" + segments.joined(separator: "/") + rest[path.endIndex...]
    }

    /// The normalized target without its query.
    package static func path(_ target: String) -> Substring {
        normalized(target)[...].prefix { $0 != "?" }
    }

    /// The path begins with a slash, and none stands beside another or at the end.
    private static func isPlain(_ target: String.UTF8View) -> Bool {
        let slash = UInt8(ascii: "/")
        let path = target.prefix { $0 != UInt8(ascii: "?") }
        guard path.first == slash, path.count == 1 || path.last != slash else { return false }
        return !zip(path, path.dropFirst()).contains { $0 == slash && $1 == slash }
    }

    /// What follows `http://` or `https://`.
    private static func absoluteForm(_ target: Substring) -> Substring? {
        for scheme in ["http://", "https://"] where target.prefix(scheme.count).lowercased() == scheme {
            return target.dropFirst(scheme.count)
        }
        return nil
    }
}
