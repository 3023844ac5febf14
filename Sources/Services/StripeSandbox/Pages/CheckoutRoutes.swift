import BusCore
import BusPages
import BusServer
import HTTPTypes
import Hummingbird
import SandboxWorld

/// The hosted page of a Checkout Session.
struct CheckoutRoutes: Sendable {
    let home: SandboxHome
    let tokens: PageTokens

    func add(to router: some RouterMethods<BusRequestContext>) {
        router.page("/local/stripe/checkout/:session", show: show, send: send)
    }

    @Sendable private func show(_ request: Request, _ session: String) throws -> Response {
        var notice: CheckoutTemplate.Notice?
        if request.uri.queryParameters["result"] == "declined" { notice = .declined }
        return try response(session, notice: notice)
    }

    @Sendable private func send(_ request: Request, _ session: String) async throws -> Response {
        let page = try found(session).page
        guard page.status == "open" else { return try over(session) }
        let form = try await PageForm(
            request, session: session, tokens: tokens,
            fields: [
                "pay": ["email"], "pay-later": ["email"], "pay-later-fails": ["email"], "decline": ["email"],
                "cancel": ["email"],
            ])
        let email = form.text("email")
        if let email, !CheckoutRoutes.isAddress(email), form.action.hasPrefix("pay") {
            return try response(session, status: 422, notice: .badEmail(email))
        }
        let intent: CheckoutIntent
        switch form.action {
        case "pay": intent = .pay(email: email)
        case "pay-later": intent = .payByDebit(email: email, settles: true)
        case "pay-later-fails": intent = .payByDebit(email: email, settles: false)
        case "decline": intent = .decline
        default: intent = .cancel
        }
        return try carryOut(intent, session, path: request.uri.path)
    }

    private func carryOut(_ intent: CheckoutIntent, _ session: String, path: String) throws -> Response {
        do throws(PageFault) {
            switch try home.act(intent, onCheckout: session) {
            case .leave(let url): return try leave(to: url, session)
            case .stay: return Response(status: .seeOther, headers: [.location: "\(path)?result=declined"])
            }
        } catch {
            switch error {
            case .unknownSession: throw PageProblem.unknownSession("Checkout")
            case .notOpen: return try over(session)
            case .notPossible(let reason): return try response(session, status: 409, notice: .impossible(reason))
            }
        }
    }

    /// A form that comes too late.
    private func over(_ session: String) throws -> Response {
        try response(session, status: found(session).page.status == "expired" ? 410 : 409, notice: .alreadyOver)
    }

    /// To the seller, where the address is one that a browser may follow.
    private func leave(to url: String, _ session: String) throws(PageFault) -> Response {
        guard PageWords.site(url) != nil, HTTPField.isValidValue(url) else { throw .notOpen(status: "complete") }
        return Response(status: .seeOther, headers: [.location: url])
    }

    /// What an open page shows, an expired one, or one that is done with.
    private func response(
        _ session: String, status: Int? = nil, notice: CheckoutTemplate.Notice? = nil
    ) throws -> Response {
        let (page, now) = try found(session)
        let text = try CheckoutTemplate.render(page, now: now, token: tokens.token(for: session), notice: notice)
        let usual = page.status == "expired" ? 410 : 200
        return Response(
            status: .init(code: status ?? usual), page: text, page.status == "open" ? .leaving : .still)
    }

    private func found(_ session: String) throws -> (page: CheckoutPage, now: Timestamp) {
        guard let found = home.checkoutPage(session) else { throw PageProblem.unknownSession("Checkout") }
        return found
    }

    private static func isAddress(_ text: String) -> Bool {
        let parts = text.split(separator: "@", omittingEmptySubsequences: false)
        return parts.count == 2 && parts.allSatisfy { !$0.isEmpty } && text.utf8.count <= 512
            && text.unicodeScalars.allSatisfy { $0.value > 0x20 && $0.value != 0x7F && !$0.properties.isWhitespace }
    }
}
