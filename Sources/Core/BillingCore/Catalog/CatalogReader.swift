import BusCore

/// One object of a catalog, read member by member; a wrong member is reported and reads as nil.
struct CatalogObject {
    let path: CatalogPath
    private let members: [String: JSONValue]
    private let problems: CatalogProblems
    private let unknownMembers: Catalog.UnknownMembers
    /// Missing members that a misspelled one was meant to be; they are not reported again as missing.
    private let misspelled: Set<String>

    /// Reads `value` as an object whose members are `known`.
    init?(
        _ value: JSONValue, at path: CatalogPath, known: [String], _ unknownMembers: Catalog.UnknownMembers,
        _ problems: CatalogProblems
    ) {
        guard case .object(let members) = value else {
            problems.reportKind(of: value, at: path, "write {\"\(known[0])\": …}")
            return nil
        }
        self.path = path
        self.members = members
        self.problems = problems
        self.unknownMembers = unknownMembers
        var misspelled: Set<String> = []
        if unknownMembers == .refuse {
            for name in members.keys where !known.contains(name) && !CatalogSecrets.isSecret(name) {
                let absent = known.filter { members[$0] == nil }
                let meant = Suggestion.nearest(to: name, among: absent)
                if let meant { misspelled.insert(meant) }
                let remedy = meant.map { "did you mean \"\($0)\"?" } ?? "remove it"
                problems.report(path.member(name), "is not a member that is known here; \(remedy)")
            }
        }
        self.misspelled = misspelled
    }

    /// True when the member is there, readable or not, or was misspelled.
    func has(_ name: String) -> Bool {
        value(name) != nil || misspelled.contains(name)
    }

    /// The member; nil when absent or null.
    func value(_ name: String) -> JSONValue? {
        members[name].flatMap { $0 == .null ? nil : $0 }
    }

    func report(_ name: String, _ message: String) {
        problems.report(path.member(name), message)
    }

    /// Reports a problem of the object as a whole.
    func report(_ message: String) {
        problems.report(path, message)
    }

    /// True when money is checked; a stored document was taken by the rules of its day.
    var judgesMoney: Bool { problems.judgesMoney }

    /// Reports a required member that is missing.
    func require(_ name: String, _ remedy: String) {
        if !has(name) { report(name, "is missing; \(remedy)") }
    }

    // MARK: Plain values

    /// A text of at most `most` characters; a secret reads as nil; the check for secrets reports it.
    func text(_ name: String, most: Int) -> String? {
        guard let value = value(name) else { return nil }
        guard let text = value.text else {
            problems.reportKind(of: value, at: path.member(name), "write a text")
            return nil
        }
        if CatalogSecrets.isSecret(text) { return nil }
        if text.isEmpty {
            report(name, "is empty; write a text or leave it out")
            return nil
        }
        if text.count > most { report(name, "has \(text.count) characters; shorten it to at most \(most)") }
        return text
    }

    /// A name for references: printable ASCII without blanks; a bad name is reported and still returned.
    func identifier(_ name: String, most: Int = Limits.catalogNameCharactersMax) -> String? {
        guard let text = text(name, most: most) else { return nil }
        if !text.utf8.allSatisfy({ 0x21...0x7E ~= $0 }) {
            report(
                name,
                "\(CatalogText.quoted(text)) has blanks or other than printable ASCII; use letters, digits, - and _")
        }
        return text
    }

    /// A whole number in a range.
    func integer(_ name: String, _ range: ClosedRange<Int64>) -> Int64? {
        guard let value = value(name) else { return nil }
        let remedy = "write a whole number from \(range.lowerBound) to \(range.upperBound)"
        guard case .number = value else {
            problems.reportKind(of: value, at: path.member(name), remedy)
            return nil
        }
        guard let integer = value.integer, range.contains(integer) else {
            report(name, "is out of range or no whole number; \(remedy)")
            return nil
        }
        return integer
    }

    /// True or false.
    func flag(_ name: String) -> Bool? {
        guard let value = value(name) else { return nil }
        if value.flag == nil { problems.reportKind(of: value, at: path.member(name), "write true or false") }
        return value.flag
    }

    /// One word of a closed set.
    func choice<Choice: RawRepresentable<String> & CaseIterable>(_ name: String, of: Choice.Type) -> Choice? {
        word(name, Choice.allCases.map(\.rawValue), read: Choice.init(rawValue:))
    }

    /// What `read` makes of one of `words`.
    func word<Choice>(_ name: String, _ words: [String], read: (String) -> Choice?) -> Choice? {
        guard let text = text(name, most: Limits.catalogNameCharactersMax) else { return nil }
        if let choice = read(text) { return choice }
        let hint = CatalogText.suggestion(for: text, among: words, or: "use \(words.joined(separator: ", "))")
        report(name, "\(CatalogText.quoted(text)) is unknown\(hint)")
        return nil
    }

    // MARK: Arrays

    /// The elements of an array with their paths; nil when it is missing, not an array, or too long.
    func elements(_ name: String) -> [(path: CatalogPath, value: JSONValue)]? {
        guard let value = value(name) else { return nil }
        guard let elements = value.elements else {
            problems.reportKind(of: value, at: path.member(name), "write an array")
            return nil
        }
        guard elements.count <= Limits.catalogEntriesMax else {
            report(name, "has \(elements.count) entries; at most \(Limits.catalogEntriesMax) are allowed")
            return nil
        }
        let path = path.member(name)
        return elements.enumerated().map { (path.index($0.offset), $0.element) }
    }

    /// The objects of an array; `isWhole` is false when some elements could not be read.
    func objects(_ name: String, known: [String]) -> (objects: [CatalogObject], isWhole: Bool) {
        guard let elements = elements(name) else { return ([], !has(name)) }
        let objects = elements.compactMap {
            CatalogObject($0.value, at: $0.path, known: known, unknownMembers, problems)
        }
        return (objects, objects.count == elements.count)
    }

    /// The objects that are members of an object, in the order of their names; nil when one could not be read.
    func namedObjects(_ name: String, known: [String]) -> [(name: String, object: CatalogObject)]? {
        guard let value = value(name) else { return nil }
        guard case .object(let members) = value else {
            problems.reportKind(of: value, at: path.member(name), "write an object")
            return nil
        }
        let objects = members.sorted { $0.key < $1.key }.compactMap { key, value in
            CatalogObject(value, at: path.member(name).member(key), known: known, unknownMembers, problems)
                .map { (key, $0) }
        }
        return objects.count == members.count ? objects : nil
    }

    /// Features without repeats; nil when an element is not a feature.
    func features(_ name: String) -> [String]? {
        guard let elements = elements(name) else { return nil }
        let features = elements.compactMap { feature($0.value, at: $0.path) }
        var seen: Set<String> = []
        return features.count == elements.count ? features.filter { seen.insert($0).inserted } : nil
    }

    /// A text that is a feature.
    func feature(_ name: String) -> String? {
        value(name).flatMap { feature($0, at: path.member(name)) }
    }

    private func feature(_ value: JSONValue, at path: CatalogPath) -> String? {
        guard let text = value.text else {
            problems.reportKind(of: value, at: path, "write a feature such as \"llm:proxy\"")
            return nil
        }
        if CatalogSecrets.isSecret(text) { return nil }
        if Labels.isFeature(text) { return text }
        problems.report(
            path, "\(CatalogText.quoted(text)) is no feature; use up to 100 of a-z 0-9 : . _ -, a letter or digit first"
        )
        return nil
    }
}
