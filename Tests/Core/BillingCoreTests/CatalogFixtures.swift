import BillingCore
import BusCore

/// Catalogs made from the template by changing single members.
enum CatalogFixtures {
    /// The template as a tree.
    static func template() throws -> JSONValue {
        try JSONValue(parsing: Array(CatalogTemplate.text.utf8))
    }

    /// What is reported about a document, one line each; empty when it is a catalog.
    static func problems(
        _ body: JSONValue, _ unknownMembers: Catalog.UnknownMembers = .refuse, _ purpose: Catalog.Purpose = .store
    ) -> [String] {
        do {
            _ = try Catalog(body, unknownMembers: unknownMembers, purpose: purpose)
            return []
        } catch {
            return error.problems.map(\.description)
        }
    }
}

/// One change: the value at `plans.0.id` becomes another, or goes.
struct CatalogEdit: Sendable {
    let path: String
    let value: JSONValue?

    /// Sets a member or an element; an index one past the end appends.
    static func set(_ path: String, _ value: JSONValue) -> CatalogEdit { CatalogEdit(path: path, value: value) }

    /// Takes a member or an element out.
    static func remove(_ path: String) -> CatalogEdit { CatalogEdit(path: path, value: nil) }
}

extension JSONValue {
    /// The value with changes made to it, in order.
    func edited(_ edits: CatalogEdit...) -> JSONValue { edited(edits) }

    /// The value with changes made to it, in order.
    func edited(_ edits: [CatalogEdit]) -> JSONValue {
        edits.reduce(self) { body, edit in
            body.replacing(edit.path.split(separator: ".").map(String.init)[...], by: edit.value) ?? .null
        }
    }

    private func replacing(_ path: ArraySlice<String>, by value: JSONValue?) -> JSONValue? {
        guard let step = path.first else { return value }
        if case .array(var elements) = self, let index = Int(step) {
            let element = (index < elements.count ? elements[index] : .null).replacing(path.dropFirst(), by: value)
            elements.replaceSubrange(index..<min(index + 1, elements.count), with: element.map { [$0] } ?? [])
            return .array(elements)
        }
        guard case .object(var members) = self else { return self }
        members[step] = (members[step] ?? .null).replacing(path.dropFirst(), by: value)
        return .object(members)
    }
}
