import BusCore

/// An OpenAPI document of ours, in the few forms of YAML it uses: nested keys, two spaces deep.
package struct OpenAPIDocument: Sendable {
    /// What a schema says of an object's members.
    package struct Members: Sendable {
        package var required: Set<String> = []
        package var known: Set<String> = []

        /// True when a value has what it must and nothing nobody knows of.
        package func describe(_ value: JSONValue?) -> Bool {
            guard case .object(let members) = value else { return false }
            return required.isSubset(of: members.keys) && known.isSuperset(of: members.keys)
        }
    }

    /// Statuses by path and method.
    package private(set) var operations: [String: [String: Set<Int>]] = [:]
    /// `section/name` of every component.
    package private(set) var components: Set<String> = []
    /// `section/name` of everything referred to.
    package private(set) var references: Set<String> = []
    /// Members by schema; those of an object within one under `Schema.member`.
    package private(set) var members: [String: Members] = [:]
    /// The component that an answer or a component's body refers to, by its place.
    private var targets: [String: String] = [:]

    /// Reads a document of the repository.
    package init(_ file: String) throws {
        var keys: [String] = []
        for line in try Repository.text(file).split(separator: "\n") {
            let found = line.split(separator: "#/components/").dropFirst().map { String($0.prefix { $0 != "\"" }) }
            references.formUnion(found)
            let indent = line.prefix { $0 == " " }.count
            guard indent.isMultiple(of: 2), let colon = line.firstIndex(of: ":"), indent / 2 <= keys.count else {
                continue
            }
            keys = keys[..<(indent / 2)] + [line[..<colon].filter { $0 != " " && $0 != "\"" }]
            if let target = found.first { targets[keys.joined(separator: " ")] = target }
            take(keys, String(line[colon...].dropFirst()))
        }
    }

    /// The schema of the body that an operation answers with; nil for an answer without one.
    package func schema(_ path: String, _ method: String, _ status: Int) -> String? {
        let place = "paths \(path) \(method) responses \(status)"
        let content = "content application/json schema"
        let body =
            targets[place].flatMap { targets["components \($0.replacing("/", with: " ")) \(content)"] }
            ?? targets["\(place) \(content)"]
        return body.map { String($0.split(separator: "/").last ?? "") }
    }

    private mutating func take(_ keys: [String], _ value: String) {
        switch (keys.first, keys.count) {
        case ("paths", 2): operations[keys[1]] = [:]
        case ("paths", 3): operations[keys[1]]?[keys[2]] = []
        case ("paths", 5) where keys[3] == "responses":
            if let status = Int(keys[4]) { operations[keys[1]]?[keys[2]]?.insert(status) }
        case ("components", 3): components.insert("\(keys[1])/\(keys[2])")
        case ("components", 4...7) where keys[1] == "schemas": takeMember(Array(keys.dropFirst(2)), value)
        default: break
        }
    }

    /// `Schema required`, `Schema properties x`, and the same one object deeper.
    private mutating func takeMember(_ keys: [String], _ value: String) {
        let schema = keys.count > 3 ? "\(keys[0]).\(keys[2])" : keys[0]
        switch keys.last {
        case "required" where keys.count != 3 || keys[1] != "properties":
            let names = value.split { "[], ".contains($0) }
            members[schema, default: Members()].required = Set(names.map(String.init))
        case let name? where keys.dropLast().last == "properties":
            members[schema, default: Members()].known.insert(name)
        default: break
        }
    }
}
