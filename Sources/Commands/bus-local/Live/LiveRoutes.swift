import BillingWorker
import BusContract
import BusCore
import BusPages
import BusRuntime
import BusServer
import HTTPTypes
import Hummingbird
import HummingbirdCore
import NIOCore
import SandboxWorld
import ServiceLifecycle
import StripeSandbox

/// `/` and what its forms and its script call.
struct LiveRoutes: Sendable {
    let record: LiveRecord
    let desk: BillingDesk
    let sandbox: SandboxService?
    let settings: LocalSettings

    func add(to router: some RouterMethods<BusRequestContext>) {
        router.resource("/", [.get: page])
        router.resource("/live/updates", [.get: updates])
        router.resource("/live/live.js", [.get: script])
        // The offline Stripe's pages bring the style along.
        guard let sandbox else { return router.addPageAssets() }
        router.resource("/live/clock", [.post: { request, _ in try await moveClock(request, sandbox) }])
        router.resource("/live/faults", [.post: { request, _ in try await dial(request, sandbox) }])
        router.resource("/live/resend", [.post: { request, _ in try await resend(request, sandbox) }])
        router.resource("/live/scenario", [.post: { request, _ in try await play(request, sandbox) }])
    }

    // MARK: Reading

    @Sendable private func page(_: Request, _: BusRequestContext) async throws -> Response {
        let page = LivePage(
            status: try? await desk.status(of: settings.accountID, at: .now), record: record.view,
            sandbox: sandbox?.view(
                of: settings.accountID, payments: Limits.livePaymentsShown, webhooks: Limits.liveWebhooksRead),
            accountID: settings.accountID,
            folder: settings.folder, origin: settings.origin, now: .now)
        return Response(page: try page.html(), .live)
    }

    @Sendable private func script(_: Request, _: BusRequestContext) -> Response {
        Response(
            status: .ok,
            headers: [
                .contentType: "text/javascript; charset=utf-8", .cacheControl: "no-cache",
                .xContentTypeOptions: "nosniff",
            ],
            body: .init(byteBuffer: ByteBuffer(string: LiveScript.text)))
    }

    /// Says that something is new, as often as it is, until the page is closed or the program ends.
    @Sendable private func updates(_: Request, _: BusRequestContext) throws -> Response {
        guard let (number, bell) = record.join() else {
            throw BusError(.rateLimited, "too many live pages are open; close some")
        }
        return Response(
            status: .ok, headers: [.contentType: "text/event-stream", .cacheControl: "no-store"],
            body: ResponseBody { [record] writer in
                defer { record.leave(number) }
                try await writer.write(ByteBuffer(string: "retry: 1000\ndata: hello\n\n"))
                while !bell.isClosed {
                    let isQuiet = await bell.wait(atMost: .seconds(Limits.livePulseSeconds))
                    try Task.checkCancellation()
                    // A line that browsers skip shows whether the page is still there.
                    try await writer.write(ByteBuffer(string: isQuiet ? ":\n\n" : "data: news\n\n"))
                }
                try await writer.finish(nil)
            })
    }

    // MARK: Pressing

    private func moveClock(_ request: Request, _ sandbox: SandboxService) async throws -> Response {
        let spans: [String: Int64] = ["1h": 3_600, "24h": 86_400, "31d": 31 * 86_400]
        guard let seconds = spans[try await form(request).text("advance") ?? ""] else {
            throw BusError(.invalidRequest, "the clock moves by 1h, 24h or 31d; press a button of the page")
        }
        let count = sandbox.advance(bySeconds: seconds)
        record.note("The clock was moved; \(count) thing\(count == 1 ? "" : "s") happened on the way.", isGood: true)
        return back()
    }

    private func dial(_ request: Request, _ sandbox: SandboxService) async throws -> Response {
        let form = try await form(request)
        var dials = FaultDials()
        if form.text("reset") == nil {
            func percent(_ name: String) throws -> Int { Int(try LiveRoutes.number(form, name, 0...100)) }
            if let name = form.text("kind") {
                guard let kind = FaultDials.Kind(rawValue: name) else {
                    throw BusError(.invalidRequest, "there is no such fault; choose one of the list")
                }
                dials.calls = [FaultDials.Call(kind, path: "/v1", percent: try percent("percent"))]
            }
            dials.webhooks.delayMilliseconds = try LiveRoutes.number(form, "delay", 0...60) * 1_000
            dials.webhooks.duplicatePercent = try percent("duplicates")
            dials.webhooks.reorderPercent = try percent("reorder")
            dials.webhooks.dropPercent = try percent("drop")
        }
        sandbox.dials = dials
        record.note(dials == FaultDials() ? "Nothing goes wrong any more." : "The faults are set.", isGood: true)
        return back()
    }

    private func play(_ request: Request, _ sandbox: SandboxService) async throws -> Response {
        guard let name = try await form(request).text("scenario"), let scenario = SandboxScenario(rawValue: name) else {
            throw BusError(.invalidRequest, "there is no such scenario; press a button of the page")
        }
        do {
            record.note(try sandbox.play(scenario, accountID: settings.accountID), isGood: true)
        } catch {
            record.note(error.description, isGood: false)
        }
        return back()
    }

    private func resend(_ request: Request, _ sandbox: SandboxService) async throws -> Response {
        let id = try await form(request).text("event") ?? ""
        guard sandbox.resend(id) else {
            throw BusError(.notFound, "there is no such event, or it is older than 30 days; choose another one")
        }
        record.note("\(id) is sent again.", isGood: true)
        return back()
    }

    private static func number(_ form: ParameterTree, _ name: String, _ range: ClosedRange<Int64>) throws -> Int64 {
        guard let text = form.text(name) else { return 0 }
        guard let number = Int64(text), range ~= number else {
            throw BusError(.invalidRequest, "the field \(name) must be from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    private func form(_ request: Request) async throws -> ParameterTree {
        let body = try await request.collectedBody(bytesMax: Limits.liveFormBytesMax)
        guard let form = ParameterTree(encoded: String(decoding: body, as: UTF8.self)) else {
            throw BusError(.badRequest, "the form cannot be read; send it as a browser does")
        }
        return form
    }

    private func back() -> Response {
        Response(status: .seeOther, headers: [.location: "/", .cacheControl: "no-store"])
    }
}
