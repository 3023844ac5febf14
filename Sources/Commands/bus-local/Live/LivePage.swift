import BusContract
import BusCore
import BusPages
import SandboxWorld
import StripeSandbox

/// What the live page shows at one moment.
struct LivePage {
    /// How the account stands; nil when the billing database does not answer.
    let status: AccountStatus?
    let record: LiveRecord.View
    /// The offline Stripe; nil with a key, when Stripe's test mode is used.
    let sandbox: SandboxView?
    let accountID: String
    let folder: String
    let origin: String
    let now: Timestamp

    /// The whole page.
    func html() throws -> String { try LiveTemplates.pages.render("live", values) }

    private var values: JSONValue {
        let webhooks = sandbox?.webhooks.map(LivePage.row) ?? []
        let shown = record.steps.suffix(Limits.liveStepsShown)
        let hidden = record.forgotten + record.steps.count - shown.count
        let plots = status?.usage.compactMap { LivePlots.usage($0, steps: record.steps, now: now) } ?? []
        var values: [String: JSONValue] = [
            "title": "Bus on this machine", "layout": "wide", "account": .string(accountID),
            "origin": .string(origin), "folder": .string(folder), "isEmpty": .bool(record.steps.isEmpty),
            "steps": .array(shown.map(LivePage.row)), "isBroken": .bool(status == nil),
        ]
        if hidden > 0 { values["hidden"] = .string(Int64(hidden).grouped) }
        // Reports count in every window, so each meter is drawn once, against its last quota.
        var drawn: [String: JSONValue] = [:]
        for plot in plots { if let meter = plot["meter"]?.text { drawn[meter] = plot } }
        values["plots"] = .array(drawn.sorted { $0.key < $1.key }.map(\.value))
        values["status"] = status.map(LivePage.card)
        values["notice"] = record.notice.map { notice in
            [
                "text": .string(notice.text), "tone": .string(notice.isGood ? "good" : "bad"),
                "time": .string(notice.time.secondText),
            ]
        }
        values["sandbox"] = sandbox.map { view in
            [
                "now": .string(view.now.secondText), "machine": .string(view.now.rfc3339),
                "webhooks": .array(webhooks), "hasWebhooks": .bool(!webhooks.isEmpty),
                "outcomes": LivePlots.outcomes(view.counts) ?? .null, "dials": LivePage.dials(view.dials),
                "scenarios": .array(
                    SandboxScenario.allCases.map {
                        ["name": .string($0.rawValue), "title": .string($0.title), "story": .string($0.story)]
                    }),
            ]
        }
        values["clock"] = sandbox.map { ["machine": .string($0.now.rfc3339), "text": .string($0.now.secondText)] }
        return .object(values)
    }

    // MARK: Parts

    private static func card(_ status: AccountStatus) -> JSONValue {
        let tone =
            switch status.status {
            case .active: "good"
            case .pastDue, .incomplete: "warn"
            case .canceled: "bad"
            case .missing: ""
            }
        var values: [String: JSONValue] = [
            "word": .string(status.status.rawValue.replacing("_", with: " ")), "tone": .string(tone),
            "features": .string(status.features.isEmpty ? "nothing" : status.features.joined(separator: ", ")),
            "gauges": .array(status.usage.map(gauge)), "hasGauges": .bool(!status.usage.isEmpty),
        ]
        values["plan"] = status.planID.map { .string($0) }
        values["paidUntil"] = status.currentPeriodEnd.map { .string($0.secondText) }
        values["endsAt"] = status.cancelAt.map { .string($0.secondText) }
        values["next"] = status.next?.command.map { .string($0) }
        return .object(values)
    }

    private static func gauge(_ line: UsageLine) -> JSONValue {
        [
            "meter": .string(line.meterEventName), "window": .string(line.window), "used": .string(line.used.grouped),
            "limit": .string(line.limit.grouped), "value": .integer(min(line.used, line.limit)),
            "max": .integer(max(line.limit, 1)), "isExceeded": .bool(line.isExceeded),
            "resets": line.resetsAt.map { .string($0.secondText) } ?? .null,
        ]
    }

    private static func row(_ step: LiveStep) -> JSONValue {
        [
            "title": .string(step.title), "detail": step.detail.isEmpty ? .null : .string(step.detail),
            "id": .string(step.id), "cause": .string(step.cause), "time": .string(step.time.secondText),
            "machine": .string(step.time.rfc3339), "tone": step.tone == .plain ? .null : .string(step.tone.rawValue),
            "page": step.id.hasPrefix("cs_local_") ? .string("/local/stripe/checkout/\(step.id)") : .null,
        ]
    }

    private static func row(_ webhook: SandboxView.Webhook) -> JSONValue {
        let tone = ["delivered": "good", "failed": "bad", "dropped": "bad"][webhook.state] ?? "warn"
        return [
            "id": .string(webhook.id), "type": .string(webhook.type), "time": .string(webhook.created.secondText),
            "state": .string(webhook.state), "tone": .string(tone),
            "answers": .string(webhook.answers.isEmpty ? "–" : webhook.answers.joined(separator: ", ")),
        ]
    }

    private static func dials(_ dials: FaultDials) -> JSONValue {
        let chosen = dials.calls.first
        let kinds = FaultDials.Kind.allCases.map { kind -> JSONValue in
            ["name": .string(kind.rawValue), "chosen": .bool(kind == chosen?.kind)]
        }
        return [
            "kinds": .array(kinds), "isQuiet": .bool(chosen == nil),
            "percent": .integer(Int64(chosen?.percent ?? 100)),
            "delay": .integer(dials.webhooks.delayMilliseconds / 1_000),
            "duplicates": .integer(Int64(dials.webhooks.duplicatePercent)),
            "reorder": .integer(Int64(dials.webhooks.reorderPercent)),
            "drop": .integer(Int64(dials.webhooks.dropPercent)),
        ]
    }
}
