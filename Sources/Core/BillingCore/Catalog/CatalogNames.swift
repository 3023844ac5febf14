/// The names of the entries of one array of a catalog.
struct CatalogNames {
    private let kind: String
    /// True when every name could be read, so that an unknown name is a mistake.
    private let isWhole: Bool
    private var owners: [String: (index: Int, path: CatalogPath)] = [:]

    init(kind: String, isWhole: Bool) {
        self.kind = kind
        self.isWhole = isWhole
    }

    /// The index of the entry with the name.
    func entry(_ name: String) -> Int? { owners[name]?.index }

    /// Adds the name of an entry; a name that another entry has is reported and stays with it.
    mutating func add(
        _ name: String?, _ member: String, of path: CatalogPath, _ index: Int, _ problems: CatalogProblems
    ) {
        guard let name else { return }
        guard let owner = owners[name] else {
            owners[name] = (index, path)
            return
        }
        if owner.index == index { return }
        problems.report(
            path.member(member),
            "\(CatalogText.quoted(name)) already names \(owner.path.text); give each \(kind) its own")
    }

    /// Reports a reference that no entry has, or one to another name than the entry's `wanted` member.
    func check(
        _ name: String?, at path: CatalogPath, _ problems: CatalogProblems,
        wanted: (member: String, of: (Int) -> String?)? = nil
    ) {
        guard let name else { return }
        if let owner = owners[name] {
            guard let wanted, let right = wanted.of(owner.index), right != name else { return }
            problems.report(
                path,
                "\(CatalogText.quoted(name)) is another name of \(owner.path.text); "
                    + "write its \(wanted.member) \(CatalogText.quoted(right))")
        } else if isWhole {
            let hint = CatalogText.suggestion(
                for: name, among: suggestions(problems, wanted?.of), or: "add that \(kind) or correct the name")
            problems.report(path, "\(CatalogText.quoted(name)) is no \(kind)'s \(wanted?.member ?? "id")\(hint)")
        }
    }

    /// Searching for a suggestion looks at every name, so it is skipped when the report is full.
    private func suggestions(_ problems: CatalogProblems, _ wanted: ((Int) -> String?)?) -> [String] {
        if problems.isFull { return [] }
        guard let wanted else { return owners.keys.sorted() }
        return owners.values.sorted { $0.index < $1.index }.compactMap { wanted($0.index) }
    }
}
