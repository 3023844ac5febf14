import BusServer
import HTTPTypes
import Hummingbird
import HummingbirdCore
import StripeSandbox

/// Sends a browser from an address of local mode, which follows from the request, to the newest session made for it.
struct LocalSessionRedirect: RouterMiddleware {
    let sandbox: SandboxService

    func handle(
        _ request: Request, context: BusRequestContext,
        next: @concurrent (Request, BusRequestContext) async throws -> Response
    ) async throws -> Response {
        if request.method == .get, let target = target(ofPath: request.uri.path) {
            return Response(status: .seeOther, headers: [.location: target, .cacheControl: "no-store"])
        }
        return try await next(request, context)
    }

    private func target(ofPath path: String) -> String? {
        let parts = path.split(separator: "/")
        guard parts.count == 4, parts[0] == "local", parts[1] == "stripe" else { return nil }
        return sandbox.session(behind: String(parts[3])).map { "/local/stripe/\(parts[2])/\($0)" }
    }
}
