import BusCore
import BusPages
import BusServer
import HTTPTypes
import Hummingbird
import SandboxWorld

/// The hosted Customer Portal.
struct PortalRoutes: Sendable {
    let home: SandboxHome
    let tokens: PageTokens

    func add(to router: some RouterMethods<BusRequestContext>) {
        router.page("/local/stripe/portal/:session", show: show, send: send)
    }

    @Sendable private func show(_ request: Request, _ session: String) throws -> Response {
        let done = request.uri.queryParameters["done"].flatMap { PortalTemplate.done[String($0)] }
        return try response(session, notice: done.map { ($0, "good") })
    }

    @Sendable private func send(_ request: Request, _ session: String) async throws -> Response {
        guard home.portalPage(session) != nil else { throw PageProblem.unknownSession("portal") }
        let form = try await PageForm(
            request, session: session, tokens: tokens,
            fields: [
                "cancel-now": ["subscription"], "cancel-at-period-end": ["subscription"], "resume": ["subscription"],
                "change-plan": ["subscription", "price"], "fail-next-payment": ["subscription"],
                "let-payments-succeed": ["subscription"],
            ])
        let subscription = form.text("subscription") ?? ""
        let intent: PortalIntent =
            switch form.action {
            case "cancel-now": .cancelNow(subscription: subscription)
            case "cancel-at-period-end": .cancelAtPeriodEnd(subscription: subscription)
            case "resume": .resume(subscription: subscription)
            case "change-plan": .changePlan(subscription: subscription, price: form.text("price") ?? "")
            case "fail-next-payment": .failNextPayment(subscription: subscription, attempts: 1)
            default: .failNextPayment(subscription: subscription, attempts: 0)
            }
        do throws(PageFault) {
            _ = try home.act(intent, onPortal: session)
        } catch {
            switch error {
            case .unknownSession: throw PageProblem.unknownSession("portal")
            case .notOpen(let status):
                return try response(session, status: 409, notice: ("This session is \(status).", "bad"))
            case .notPossible(let reason):
                let text = PageProblem.sentence(reason) + " Nothing was changed."
                return try response(session, status: 409, notice: (text, "bad"))
            }
        }
        // The page is read again, so that loading it once more sends nothing twice.
        return Response(status: .seeOther, headers: [.location: "\(request.uri.path)?done=\(form.action)"])
    }

    private func response(
        _ session: String, status: Int = 200, notice: (text: String, kind: String)? = nil
    ) throws -> Response {
        guard let (page, now) = home.portalPage(session) else { throw PageProblem.unknownSession("portal") }
        let text = try PortalTemplate.render(page, now: now, token: tokens.token(for: session), notice: notice)
        return Response(status: .init(code: status), page: text)
    }
}
