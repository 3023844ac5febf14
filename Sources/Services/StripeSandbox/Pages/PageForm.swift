import BusContract
import BusCore
import BusPages
import BusServer
import HTTPTypes
import Hummingbird
import HummingbirdCore
import SandboxWorld

/// The form of a hosted page, as our own page sent it.
struct PageForm: Sendable {
    let action: String
    private let fields: ParameterTree

    func text(_ name: String) -> String? { fields.text(name) }

    /// A field that is there, perhaps empty.
    func given(_ name: String) -> String? { fields.given(name) }

    /// Reads a form, and refuses one that is not from the session's own page.
    ///
    /// - Parameter fields: The fields of each action beside `action` and `token`.
    init(
        _ request: Request, session: String, tokens: PageTokens, fields known: KeyValuePairs<String, [String]>
    ) async throws {
        let path = request.uri.path
        guard OwnPagesOnly.isOwn(request.headers, host: request.head.authority ?? "") else {
            throw PageProblem.anotherSite(path)
        }
        guard request.headers[.contentType]?.lowercased().hasPrefix("application/x-www-form-urlencoded") == true else {
            throw PageProblem(
                status: 415, title: "This is not a form",
                text: "The page takes forms as browsers send them: application/x-www-form-urlencoded.",
                next: (path, "Open the page"))
        }
        let body = try await request.collectedBody(bytesMax: Limits.sandboxFormBytesMax)
        guard let text = String(validating: body, as: UTF8.self), let form = ParameterTree(encoded: text) else {
            throw BusError(.badRequest, "send the form as a browser does")
        }
        guard tokens.accepts(form.text("token"), for: session) else { throw PageProblem.staleForm(path) }
        guard let action = form.text("action"), let expected = known.first(where: { $0.key == action }) else {
            throw PageProblem.unknownAction(known.map(\.key), path)
        }
        if case .map(let members) = form,
            let other = members.keys.sorted().first(where: { !(expected.value + ["action", "token"]).contains($0) })
        {
            throw PageProblem.unknownField(other, path)
        }
        self.action = action
        fields = form
    }
}
