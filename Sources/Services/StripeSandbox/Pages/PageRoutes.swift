import BusContract
import BusCore
import BusPages
import BusServer
import HTTPTypes
import Hummingbird

/// Every hosted page, and what they load.
struct PageRoutes: Sendable {
    let home: SandboxHome
    private let tokens = PageTokens()

    init(home: SandboxHome) {
        self.home = home
    }

    func add(to router: some RouterMethods<BusRequestContext>) {
        router.addPageAssets()
        CheckoutRoutes(home: home, tokens: tokens).add(to: router)
        PortalRoutes(home: home, tokens: tokens).add(to: router)
        InvoiceRoutes(home: home, tokens: tokens).add(to: router)
    }
}

extension RouterMethods where Context == BusRequestContext {
    /// A hosted page and its form; whatever goes wrong is a page too.
    func page(
        _ path: RouterPath, show: @escaping @Sendable (Request, String) async throws -> Response,
        send: @escaping @Sendable (Request, String) async throws -> Response
    ) {
        let handler: @Sendable (Request, BusRequestContext) async throws -> Response = { request, context in
            do {
                let session = try context.parameters.require("session")
                switch request.method {
                case .get, .head: return try await show(request, session)
                case .post: return try await send(request, session)
                default: throw BusError(.methodNotAllowed, "\(request.uri.path) takes GET, HEAD, POST")
                }
            } catch {
                guard let problem = PageProblem(error, path: request.uri.path) else { throw error }
                return try problem.response()
            }
        }
        for method in [HTTPRequest.Method.get, .head, .post, .put, .patch, .delete, .options, .trace] {
            on(path, method: method, use: handler)
        }
    }
}
