import BusCore

/// Why a document is not a catalog or a quota file: all its problems, in the document's order.
package struct CatalogFaults: Error, Hashable, Sendable {
    /// At least one and at most `Limits.catalogProblemsMax`; the last says how many more there are.
    package let problems: [CatalogProblem]
}

/// One mistake in a catalog.
package struct CatalogProblem: Hashable, Sendable, CustomStringConvertible {
    /// The kind of document.
    package let document: Document
    /// Where: `$.plans[0].quotas[1].window`.
    package let path: String
    /// Lower-case fact, then the remedy; never a secret.
    package let message: String

    /// The kinds of document; the raw value begins each problem.
    package enum Document: String, Sendable {
        case catalog, quotas
    }

    /// `catalog: <json path>: <problem>`.
    package var description: String { "\(document.rawValue): \(path): \(message)" }
}

/// A place in a catalog.
struct CatalogPath: Hashable, Comparable {
    private var steps: [Step] = []

    private enum Step: Hashable {
        case member(String)
        case index(Int)
    }

    static let root = CatalogPath()

    func member(_ name: String) -> CatalogPath { adding(.member(name)) }

    func index(_ index: Int) -> CatalogPath { adding(.index(index)) }

    private func adding(_ step: Step) -> CatalogPath {
        var path = self
        path.steps.append(step)
        return path
    }

    /// `$.plans[0]`; members that are not plain words are quoted.
    var text: String {
        steps.reduce(into: "$") { text, step in
            switch step {
            case .index(let index): text += "[\(index)]"
            case .member(let name):
                let isWord = !name.isEmpty && name.utf8.count <= 40 && name.utf8.allSatisfy(CatalogText.isWord)
                text += isWord && !CatalogSecrets.isSecret(name) ? ".\(name)" : "[\(CatalogText.quoted(name))]"
            }
        }
    }

    /// The order in which members are reported, because a parsed object does not keep the document's order.
    private static let order: [String: Int] = {
        let names = [
            "version", "products", "id", "lookup_key", "name", "description", "stripe_product_id", "product_lookup_key",
            "plan_id", "currency", "unit_amount", "unit_amount_decimal", "tax_behavior", "nickname", "currency_options",
            "interval", "interval_count", "usage_type",
            "meter_lookup_key", "unit", "units", "display_name", "event_name", "aggregation_formula",
            "customer_mapping_type", "customer_mapping_event_payload_key", "value_settings_event_payload_key",
            "product_id", "default", "features", "prices", "meters", "plans", "quotas", "feature", "meter_event_name",
            "window", "limit", "upgrade_plan_id",
        ]
        return Dictionary(uniqueKeysWithValues: zip(names, names.indices))
    }()

    static func < (left: CatalogPath, right: CatalogPath) -> Bool {
        for (ours, theirs) in zip(left.steps, right.steps) where ours != theirs {
            switch (ours, theirs) {
            case (.index(let ours), .index(let theirs)): return ours < theirs
            case (.index, .member): return true
            case (.member, .index): return false
            case (.member(let ours), .member(let theirs)):
                return (order[ours] ?? .max, ours) < (order[theirs] ?? .max, theirs)
            }
        }
        return left.steps.count < right.steps.count
    }
}

/// Collects the problems of one document while it is read.
final class CatalogProblems {
    /// False for a stored document, which was taken by the rules of its day.
    let judgesMoney: Bool
    private let document: CatalogProblem.Document
    private var found: [(path: CatalogPath, message: String)] = []
    private var count = 0

    init(in document: CatalogProblem.Document, judgesMoney: Bool = true) {
        self.document = document
        self.judgesMoney = judgesMoney
    }

    /// True when the report is full, so that searching for remedies can stop.
    var isFull: Bool { count >= Limits.catalogProblemsMax }

    func report(_ path: CatalogPath, _ message: String) {
        count += 1
        found.append((path, message))
        // Only the first ones are shown, so keeping more would only cost memory.
        if found.count >= 4 * Limits.catalogProblemsMax { keepFirst() }
    }

    /// Reports a value of the wrong kind; the check for secrets reports a secret.
    func reportKind(of value: JSONValue, at path: CatalogPath, _ remedy: String) {
        if CatalogSecrets.isSecret(value) { return }
        report(path, "is \(value.kind); \(remedy)")
    }

    /// Throws unless nothing was reported.
    func check() throws(CatalogFaults) {
        if count == 0 { return }
        keepFirst()
        var problems = found.map {
            CatalogProblem(document: document, path: $0.path.text, message: $0.message)
        }
        if count > problems.count {
            let more = "\(count - problems.count + 1) more problems follow; mend these first and check again"
            problems[problems.count - 1] = CatalogProblem(
                document: document, path: CatalogPath.root.text, message: more)
        }
        throw CatalogFaults(problems: problems)
    }

    private func keepFirst() {
        // The index breaks ties, because `sort` is not stable.
        let order = found.indices.sorted { left, right in
            found[left].path == found[right].path ? left < right : found[left].path < found[right].path
        }
        found = order.prefix(Limits.catalogProblemsMax).map { found[$0] }
    }
}

extension JSONValue {
    /// The kind of the value, for a message.
    fileprivate var kind: String {
        switch self {
        case .null: "null"
        case .bool: "true or false"
        case .number: "a number"
        case .string: "a text"
        case .array: "an array"
        case .object: "an object"
        }
    }
}
