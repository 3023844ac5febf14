import BusContract
import BusCore
import BusPages
import BusServer
import HTTPTypes
import Hummingbird
import SandboxWorld

/// A page that says why another one is not shown.
package struct PageProblem: Error {
    let status: Int
    let title: String
    /// What happened, and what to do, in sentences.
    let text: String
    /// A page of ours to go on with.
    var next: (path: String, label: String)?
    /// The methods that the page takes.
    var allowed: String?

    static func unknownSession(_ kind: String) -> PageProblem {
        PageProblem(
            status: 404, title: "There is no such \(kind) session",
            text: "The address may be incomplete. The sandbox keeps its sessions in memory, so a restart forgets them. "
                + "Ask the shop for a new link.")
    }

    static let unknownInvoice = PageProblem(
        status: 404, title: "There is no such invoice",
        text:
            "The address may be incomplete, or the invoice is still a draft. The sandbox keeps its invoices in memory, "
            + "so a restart forgets them. Open the invoice from the portal.")

    static func anotherSite(_ path: String) -> PageProblem {
        PageProblem(
            status: 403, title: "This form came from another site",
            text: "Nothing was changed. Only the forms of this page are taken, so that no other site can pay in your "
                + "name.", next: (path, "Open the page"))
    }

    static func staleForm(_ path: String) -> PageProblem {
        PageProblem(
            status: 403, title: "This form is not from this page",
            text:
                "Nothing was changed. Its mark is missing or belongs to another session. Open the page and try again.",
            next: (path, "Open the page"))
    }

    static func unknownField(_ name: String, _ path: String) -> PageProblem {
        PageProblem(
            status: 400, title: "This form was changed",
            text:
                "Nothing was changed. The page has no field \"\(name)\". What is bought and what it costs stand in the "
                + "session, and a form cannot change them.", next: (path, "Open the page"))
    }

    static func unknownAction(_ known: [String], _ path: String) -> PageProblem {
        PageProblem(
            status: 400, title: "The page does not know this action",
            text: "Nothing was changed. The actions are: \(known.joined(separator: ", ")).",
            next: (path, "Open the page"))
    }

    /// What the server threw, as a page; nil for what only the log should explain.
    init?(_ error: any Error, path: String) {
        if let problem = error as? PageProblem {
            self = problem
            return
        }
        let cause = BusError(classifying: error, path: path)
        switch cause.code {
        case .methodNotAllowed:
            self.init(
                status: 405, title: "The page does not take this method",
                text: "Open it in a browser, or send its form by POST.", allowed: "GET, HEAD, POST")
        case .internalError: return nil
        default:
            self.init(
                status: cause.code.httpStatus, title: "The form could not be read",
                text: PageProblem.sentence(cause.message))
        }
    }

    /// A page with these words.
    package init(
        status: Int, title: String, text: String, next: (path: String, label: String)? = nil, allowed: String? = nil
    ) {
        self.status = status
        self.title = title
        self.text = text
        self.next = next
        self.allowed = allowed
    }

    /// A fact as we word errors, as a sentence.
    package static func sentence(_ fact: String) -> String { capitalized(fact) + "." }

    static func capitalized(_ text: String) -> String { text.prefix(1).uppercased() + text.dropFirst() }

    /// The page as an answer.
    package func response() throws -> Response {
        let page = try PageProblem.templates.render(
            "problem",
            [
                "title": .string(title), "text": .string(text),
                "next": next.map { ["path": .string($0.path), "label": .string($0.label)] } ?? .null,
            ])
        var response = Response(status: .init(code: status), page: page)
        response.headers[.allow] = allowed
        return response
    }

    private static let templates = PageTemplates([
        "problem": """
        {{<frame}}{{$content}}
        <div class="card stack">
        <h1>{{title}}</h1>
        <p>{{text}}</p>
        {{#next}}<p><a class="button" href="{{path}}">{{label}}</a></p>{{/next}}
        </div>
        {{/content}}{{/frame}}
        """
    ])
}
