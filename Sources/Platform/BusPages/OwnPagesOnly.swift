import BusContract
import BusServer
import HTTPTypes
import Hummingbird
import HummingbirdCore

/// Lets only our own pages change anything.
///
/// Another site's form gets nothing, nor does a name that somebody else points at this machine. Programs send none of a
/// browser's fields and are not held up.
///
/// It counts for the routes that are added behind it.
package struct OwnPagesOnly: RouterMiddleware {
    private let checksHost: Bool

    /// Guards the pages, the API and the controls of a server.
    ///
    /// - Parameter checksHost: False where the user asked for an address that other machines reach, whose names nobody
    ///   knows here.
    package init(checksHost: Bool) {
        self.checksHost = checksHost
    }

    /// Refuses, or passes on.
    package func handle(
        _ request: Request, context: BusRequestContext,
        next: @concurrent (Request, BusRequestContext) async throws -> Response
    ) async throws -> Response {
        // A path without a route comes by here too.
        guard OwnPagesOnly.isPage(request.uri.path) else { return try await next(request, context) }
        let host = request.head.authority ?? ""
        if checksHost, !OwnPagesOnly.isThisMachine(host) {
            throw BusError(.forbidden, "this address is not of this machine; open http://127.0.0.1 and the port")
        }
        // The hosted pages look at their forms themselves, and refuse them with a page.
        let isRead =
            request.method == .get || request.method == .head || request.uri.path.hasPrefix("/local/stripe/")
        if !isRead, !OwnPagesOnly.isOwn(request.headers, host: host) {
            throw BusError(.forbidden, "this form came from another site; open the page here and press again")
        }
        return try await next(request, context)
    }

    private static func isPage(_ path: String) -> Bool {
        let first = path.split(separator: "/").first
        return first.map { ["live", "local", "sandbox", "v1", "v2"].contains($0) } ?? true
    }

    private static func isThisMachine(_ authority: String) -> Bool {
        guard let name = authority.firstMatch(of: #/^(\[[0-9a-f:]+\]|[^:]+)(?::[0-9]+)?$/#)?.1 else { return false }
        return name == "localhost" || name == "[::1]" || name.wholeMatch(of: #/127\.[0-9]+\.[0-9]+\.[0-9]+/#) != nil
    }

    /// Whether a form is from a page of this server; browsers say so, and programs say nothing.
    package static func isOwn(_ fields: HTTPFields, host: String) -> Bool {
        if let site = HTTPField.Name("Sec-Fetch-Site").flatMap({ fields[$0] }), site != "same-origin", site != "none" {
            return false
        }
        guard let origin = fields[.origin] else { return true }
        return origin == "http://\(host)" || origin == "https://\(host)"
    }
}
