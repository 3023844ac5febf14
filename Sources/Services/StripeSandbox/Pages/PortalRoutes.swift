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
                "cancel-now": ["subscription", "reason"], "cancel-at-period-end": ["subscription", "reason"],
                "resume": ["subscription", "reason"], "change-plan": ["subscription", "price"],
                "change-quantity": ["subscription", "quantity"], "fail-next-payment": ["subscription", "reason"],
                "let-payments-succeed": ["subscription", "reason"], "new-card": [],
                "change-details": PortalFeatures.Detail.allCases.map(\.rawValue),
            ])
        let outcome: PageOutcome
        do throws(PageFault) {
            outcome = try home.act(PortalRoutes.intent(of: form), onPortal: session)
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
        if case .leave(let url) = outcome, PageWords.site(url) != nil, HTTPField.isValidValue(url) {
            return Response(status: .seeOther, headers: [.location: url])
        }
        // The page is read again, so that loading it once more sends nothing twice.
        return Response(status: .seeOther, headers: [.location: "\(request.uri.path)?done=\(form.action)"])
    }

    private static func intent(of form: PageForm) throws(PageFault) -> PortalIntent {
        let subscription = form.text("subscription") ?? ""
        let word = form.text("reason")
        let reason = word.flatMap { PortalFeatures.Reason(rawValue: $0) }
        if word != nil, reason == nil { throw .notPossible("the page does not ask for this reason") }
        switch form.action {
        case "cancel-now": return .cancelNow(subscription: subscription, reason: reason)
        case "cancel-at-period-end": return .cancelAtPeriodEnd(subscription: subscription, reason: reason)
        case "resume": return .resume(subscription: subscription)
        case "change-plan": return .changePlan(subscription: subscription, price: form.text("price") ?? "")
        case "change-quantity":
            let quantity = form.text("quantity").flatMap { Int64($0) } ?? 0
            return .changeQuantity(subscription: subscription, quantity: quantity)
        case "new-card": return .replaceMethod
        case "change-details":
            var details: [PortalFeatures.Detail: String] = [:]
            for detail in PortalFeatures.Detail.allCases { details[detail] = form.given(detail.rawValue) }
            return .changeDetails(details)
        case "fail-next-payment": return .failNextPayment(subscription: subscription, attempts: 1)
        default: return .failNextPayment(subscription: subscription, attempts: 0)
        }
    }

    private func response(
        _ session: String, status: Int = 200, notice: (text: String, kind: String)? = nil
    ) throws -> Response {
        guard let (page, now) = home.portalPage(session) else { throw PageProblem.unknownSession("portal") }
        let text = try PortalTemplate.render(page, now: now, token: tokens.token(for: session), notice: notice)
        return Response(status: .init(code: status), page: text, page.leaves ? .leaving : .still)
    }
}
