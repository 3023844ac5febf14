import HTTPTypes
import TestSupport
import Testing

@testable import EventsAPI

/// The document says what the router does.
struct OpenAPITests {
    @Test func pathsAndMethodsAreThoseOfTheRouter() async throws {
        let document = try OpenAPIDocument("api/openapi-events.yaml")
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
        let document = try OpenAPIDocument("api/openapi-events.yaml")
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
        let document = try OpenAPIDocument("api/openapi-events.yaml")
        #expect(!document.references.isEmpty)
        #expect(document.references.subtracting(document.components) == [])
    }
}
