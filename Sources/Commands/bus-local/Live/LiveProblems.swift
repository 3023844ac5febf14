import BusContract
import BusPages
import BusServer
import HTTPTypes
import Hummingbird
import HummingbirdCore
import StripeSandbox

/// Shows a person as a page why the live page refused something; programs get the error of all services.
struct LiveProblems: RouterMiddleware {
    func handle(
        _ request: Request, context: BusRequestContext,
        next: @concurrent (Request, BusRequestContext) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch {
            guard LiveProblems.isOfThePage(request.uri.path), request.headers[.accept]?.contains("text/html") == true
            else { throw error }
            return try LiveProblems.problem(BusError(classifying: error, path: request.uri.path)).response()
        }
    }

    private static func isOfThePage(_ path: String) -> Bool { path == "/" || path.hasPrefix("/live/") }

    private static func problem(_ error: BusError) -> PageProblem {
        let title =
            switch error.code {
            case .notFound: "This is not here"
            case .forbidden: "This came from somewhere else"
            case .methodNotAllowed: "The page does not take this method"
            case .internalError: "Something went wrong"
            default: "The form cannot be taken"
            }
        let changed = error.code == .internalError ? "" : "Nothing was changed. "
        return PageProblem(
            status: error.code.httpStatus, title: title, text: changed + PageProblem.sentence(error.message),
            next: ("/", "Back to the live page"))
    }
}
