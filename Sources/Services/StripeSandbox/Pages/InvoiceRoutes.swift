import BusPages
import BusServer
import HTTPTypes
import Hummingbird
import SandboxWorld

/// The hosted page of an invoice.
struct InvoiceRoutes: Sendable {
    let home: SandboxHome
    let tokens: PageTokens

    func add(to router: some RouterMethods<BusRequestContext>) {
        router.page("/local/stripe/invoice/:session", show: show, send: send)
    }

    @Sendable private func show(_ request: Request, _ key: String) throws -> Response {
        let isPaid = request.uri.queryParameters["done"] == "pay"
        return try response(key, notice: isPaid ? ("The payment went through.", "good") : nil)
    }

    @Sendable private func send(_ request: Request, _ key: String) async throws -> Response {
        guard home.invoicePage(key) != nil else { throw PageProblem.unknownInvoice }
        _ = try await PageForm(request, session: key, tokens: tokens, fields: ["pay": []])
        do throws(PageFault) {
            _ = try home.pay(invoicePage: key)
        } catch {
            switch error {
            case .unknownSession: throw PageProblem.unknownInvoice
            case .notOpen(let status):
                return try response(
                    key, status: 409, notice: ("This invoice is \(status). Nothing was charged.", "bad"))
            case .notPossible(let reason):
                let text = PageProblem.sentence(reason) + " Nothing was charged."
                return try response(key, status: 409, notice: (text, "bad"))
            }
        }
        // The page is read again, so that loading it once more sends nothing twice.
        return Response(status: .seeOther, headers: [.location: "\(request.uri.path)?done=pay"])
    }

    private func response(
        _ key: String, status: Int = 200, notice: (text: String, kind: String)? = nil
    ) throws -> Response {
        guard let (page, now) = home.invoicePage(key) else { throw PageProblem.unknownInvoice }
        let text = try InvoiceTemplate.render(page, now: now, token: tokens.token(for: key), notice: notice)
        return Response(status: .init(code: status), page: text)
    }
}
