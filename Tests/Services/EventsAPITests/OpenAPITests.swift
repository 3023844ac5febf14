import HTTPTypes
import TestSupport
import Testing

@testable import EventsAPI

/// The document says what the router does.
struct OpenAPITests {
    @Test func pathsAndMethodsAreThoseOfTheRouter() async throws {
        let document = try OpenAPIDocument()
        try await RouteBench.run { bench in
            let routed = bench.paths.filter { !$0.hasPrefix("/local/v1") }
            #expect(routed == Set(document.operations.keys))
            for path in routed {
                #expect(path.hasPrefix("/api") == bench.paths.contains("/local/v1\(path)"), "\(path)")
                for method in [HTTPRequest.Method.get, .put, .post, .delete, .patch, .head, .options] {
                    let answer = try await bench.send(method, path, [], token: nil)
                    let isDocumented = document.operations[path]?[method.rawValue.lowercased()] != nil
                    #expect((answer.status != 405) == isDocumented, "\(method) \(path)")
                }
            }
        }
    }

    @Test func statusesWithoutATokenAreDocumented() async throws {
        let document = try OpenAPIDocument()
        try await RouteBench.run { bench in
            for (path, methods) in document.operations {
                for (method, statuses) in methods {
                    let method = try #require(HTTPRequest.Method(method.uppercased()))
                    let anonymous = try await bench.send(method, path, [], token: nil)
                    #expect(statuses.contains(anonymous.status), "\(method) \(path) \(anonymous.status)")
                    let poor = try await bench.send(method, path, Array("{".utf8), token: bench.token("w", "none"))
                    #expect(statuses.contains(poor.status), "\(method) \(path) \(poor.status)")
                }
            }
        }
    }

    @Test func everyReferenceHasATarget() throws {
        let document = try OpenAPIDocument()
        #expect(!document.references.isEmpty)
        #expect(document.references.subtracting(document.components) == [])
    }
}

/// The few forms of YAML that the document uses: nested keys, two spaces deep.
private struct OpenAPIDocument {
    /// Statuses by path and method.
    private(set) var operations: [String: [String: Set<Int>]] = [:]
    /// `section/name` of every component.
    private(set) var components: Set<String> = []
    /// `section/name` of everything referred to.
    private(set) var references: Set<String> = []

    init() throws {
        var keys: [String] = []
        for line in try Repository.text("api/openapi-events.yaml").split(separator: "\n") {
            for part in line.split(separator: "#/components/").dropFirst() {
                references.insert(String(part.prefix { $0 != "\"" }))
            }
            let indent = line.prefix { $0 == " " }.count
            guard indent.isMultiple(of: 2), let colon = line.firstIndex(of: ":"), indent / 2 <= keys.count else {
                continue
            }
            keys = keys[..<(indent / 2)] + [line[..<colon].filter { $0 != " " && $0 != "\"" }]
            switch (keys.first, keys.count) {
            case ("paths", 2): operations[keys[1]] = [:]
            case ("paths", 3): operations[keys[1]]?[keys[2]] = []
            case ("paths", 5) where keys[3] == "responses":
                if let status = Int(keys[4]) { operations[keys[1]]?[keys[2]]?.insert(status) }
            case ("components", 3): components.insert("\(keys[1])/\(keys[2])")
            default: break
            }
        }
    }
}
