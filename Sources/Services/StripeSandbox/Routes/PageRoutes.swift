import BusContract
import BusCore
import BusServer
import HTTPTypes
import Hummingbird
import HummingbirdCore
import NIOCore
import SandboxWorld

/// The forms of the hosted pages.
struct PageRoutes: Sendable {
    let home: SandboxHome

    func add(to router: some RouterMethods<BusRequestContext>) {
        router.resource("/local/stripe/checkout/:session", [.post: checkout])
        router.resource("/local/stripe/portal/:session", [.post: portal])
    }

    @Sendable private func checkout(_ request: Request, _ context: BusRequestContext) async throws -> Response {
        let session = try context.parameters.require("session")
        let form = try await form(of: request)
        let email = form.text("email")
        let intent: CheckoutIntent
        switch form.text("action") {
        case "pay": intent = .pay(email: email)
        case "pay-later": intent = .payByDebit(email: email, settles: form.text("settles") != "false")
        case "decline": intent = .decline
        case "cancel": intent = .cancel
        default:
            throw BusError(.invalidRequest, "action must be one of pay, pay-later, decline, cancel")
        }
        return try respond { () throws(PageFault) in try home.act(intent, onCheckout: session) }
    }

    @Sendable private func portal(_ request: Request, _ context: BusRequestContext) async throws -> Response {
        let session = try context.parameters.require("session")
        let form = try await form(of: request)
        guard let subscription = form.text("subscription") else {
            throw BusError(.invalidRequest, "subscription is missing; send the id of one of the customer")
        }
        let intent: PortalIntent
        switch form.text("action") {
        case "cancel-now": intent = .cancelNow(subscription: subscription)
        case "cancel-at-period-end": intent = .cancelAtPeriodEnd(subscription: subscription)
        case "resume": intent = .resume(subscription: subscription)
        case "change-plan":
            intent = .changePlan(subscription: subscription, price: form.text("price") ?? "")
        case "fail-next-payment":
            intent = .failNextPayment(subscription: subscription, attempts: Int(form.integer("attempts") ?? 1))
        default:
            throw BusError(
                .invalidRequest,
                "action must be one of cancel-now, cancel-at-period-end, resume, change-plan, fail-next-payment")
        }
        return try respond { () throws(PageFault) in try home.act(intent, onPortal: session) }
    }

    private func form(of request: Request) async throws -> ParameterTree {
        let body = try await request.collectedBody(bytesMax: Limits.sandboxBodyBytesMax)
        guard let form = ParameterTree(encoded: String(decoding: body, as: UTF8.self)) else {
            throw BusError(.badRequest, "the form cannot be read; send it as a browser does")
        }
        return form
    }

    private func respond(_ act: () throws(PageFault) -> PageOutcome) throws -> Response {
        do throws(PageFault) {
            switch try act() {
            case .leave(let url): return Response(status: .seeOther, headers: [.location: url])
            case .stay(let message): return Response(json: JSONText(["message": .string(message)]).bytes)
            }
        } catch {
            switch error {
            case .unknownSession: throw BusError(.notFound, "there is no such session; ask for a new one")
            case .notOpen(let status):
                throw BusError(.conflict, "this session is \(status), and nothing was charged; ask for a new one")
            case .notPossible(let reason): throw BusError(.conflict, "\(reason)")
            }
        }
    }
}
