import BusRuntime

/// The value of `If-Match` or `If-None-Match` (RFC 9110, 13.1).
enum EntityTags: Equatable {
    /// `*`
    case any
    case these(Set<String>)

    /// Reads a header; nil when it was not sent.
    ///
    /// Only a weak comparison treats a weak tag like the strong one.
    init?(_ header: String?, isWeak: Bool) {
        guard let header else { return nil }
        if header.trimmed == "*" {
            self = .any
            return
        }
        let tags = header.split(separator: ",").map { $0.trimmed }
        self = .these(Set(tags.map { isWeak && $0.hasPrefix("W/") ? String($0.dropFirst(2)) : $0 }))
    }

    /// True when the tag is among them.
    func match(_ etag: String) -> Bool {
        switch self {
        case .any: true
        case .these(let etags): etags.contains(etag)
        }
    }
}
