/// `metadata['bus_account_id']:'…' AND created>1785542400`.
struct SearchQuery: Sendable {
    /// The parameters of a search.
    static let fields: [String: ParameterShape] = [
        "query": .required(.text(2_000)), "limit": .integer(1...100), "page": .text(500),
    ]

    private struct Clause: Sendable {
        let path: [String]
        let comparison: Character
        let value: String
        let isNegated: Bool

        func holds(for object: WorldJSON) -> Bool {
            var found: WorldJSON? = object
            for name in path { found = found?[name] }
            let result =
                switch (found, comparison) {
                case (.text(let text)?, ":"): text == value
                case (.text(let text)?, "~"): text.lowercased().contains(value.lowercased())
                case (.bool(let flag)?, ":"): String(flag) == value
                case (.integer(let number)?, ":"): Int64(value) == number
                case (.integer(let number)?, ">"): Int64(value).map { number > $0 } ?? false
                case (.integer(let number)?, "<"): Int64(value).map { number < $0 } ?? false
                case (.null?, ":"), (nil, ":"): value == "null"
                default: false
                }
            return result != isNegated
        }
    }

    private let clauses: [Clause]
    private let isAny: Bool

    /// Reads a query; the fault is Stripe's.
    init(_ text: String) throws(WorldRefusal) {
        let fault = WorldRefusal(
            param: "query", "We were unable to parse your search query. Please check its syntax: \(text.prefix(200))")
        var rest = text[...]
        var clauses: [Clause] = []
        var words: Set<String> = []
        while true {
            guard let clause = SearchQuery.clause(&rest) else { throw fault }
            clauses.append(clause)
            rest = rest.drop { $0 == " " }
            if rest.isEmpty { break }
            let word = rest.prefix { $0.isLetter }.uppercased()
            guard word == "AND" || word == "OR", clauses.count < 10 else { throw fault }
            words.insert(word)
            rest = rest.dropFirst(word.count)
        }
        guard words.count <= 1 else { throw fault }
        self.clauses = clauses
        isAny = words.contains("OR")
    }

    /// True for an object that the query means.
    func matches(_ object: WorldJSON) -> Bool {
        isAny ? clauses.contains { $0.holds(for: object) } : clauses.allSatisfy { $0.holds(for: object) }
    }

    private static func clause(_ rest: inout Substring) -> Clause? {
        rest = rest.drop { $0 == " " }
        let isNegated = rest.first == "-"
        if isNegated { rest = rest.dropFirst() }
        let name = rest.prefix { $0.isLetter || $0 == "_" || $0 == "." }
        guard !name.isEmpty else { return nil }
        rest = rest.dropFirst(name.count)
        var path = name.split(separator: ".").map { String($0) }
        if rest.first == "[" {
            rest = rest.dropFirst()
            guard let key = quoted(&rest), rest.first == "]" else { return nil }
            rest = rest.dropFirst()
            path.append(key)
        }
        guard let comparison = rest.first, ":~><".contains(comparison) else { return nil }
        rest = rest.dropFirst()
        if let quote = rest.first, quote == "'" || quote == "\"" {
            guard let value = quoted(&rest) else { return nil }
            return Clause(path: path, comparison: comparison, value: value, isNegated: isNegated)
        }
        let value = rest.prefix { !$0.isWhitespace }
        guard !value.isEmpty else { return nil }
        rest = rest.dropFirst(value.count)
        return Clause(path: path, comparison: comparison, value: String(value), isNegated: isNegated)
    }

    /// A text in quotes, in which a backslash takes the next character as it is.
    private static func quoted(_ rest: inout Substring) -> String? {
        guard let quote = rest.first, quote == "'" || quote == "\"" else { return nil }
        rest = rest.dropFirst()
        var text = ""
        while let character = rest.popFirst() {
            if character == quote { return text }
            if character == "\\" {
                guard let next = rest.popFirst() else { return nil }
                text.append(next)
            } else {
                text.append(character)
            }
        }
        return nil
    }
}

extension StripeAccount {
    private static let pageMark = "after_"

    /// One page of what a query finds; what is younger than the lag is not found yet.
    func search<Element>(
        _ shelf: Shelf<Element>, _ call: RoutedCall, created: (Element) -> Int64, json: (Element) -> WorldJSON
    ) throws(WorldRefusal) -> WorldJSON {
        let query = try SearchQuery(call.form.text("query") ?? "")
        let limit = Int(call.form.integer("limit") ?? 10)
        var after: String?
        if let token = call.form.text("page") {
            guard token.hasPrefix(StripeAccount.pageMark) else {
                throw WorldRefusal(param: "page", "Invalid page token: \(token)")
            }
            after = String(token.dropFirst(StripeAccount.pageMark.count))
        }
        let page = shelf.page(after: after, before: nil, count: limit) { element in
            created(element) <= now - searchLag && query.matches(json(element))
        }
        guard let page else { throw WorldRefusal(param: "page", "Invalid page token: \(after ?? "")") }
        let objects = page.elements.map(json)
        let next = page.hasMore ? objects.last?["id"]?.text.map { StripeAccount.pageMark + $0 } : nil
        return [
            "object": "search_result", "data": .list(objects), "has_more": .bool(page.hasMore),
            "next_page": .text(or: next), "url": .text(call.path),
        ]
    }
}
