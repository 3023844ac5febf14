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
    func html() throws -> String { try LiveTemplates.pages.render("live", .object(values)) }

    private var values: [String: JSONValue] {
        let story = LiveStory(record, sandbox)
        var values: [String: JSONValue] = [
            "title": "Bus on this machine", "layout": "wide", "account": .string(accountID),
            "origin": .string(origin), "folder": .string(folder), "isEmpty": .bool(record.steps.isEmpty),
            "isBroken": .bool(status == nil), "machineNow": .string(now.secondText),
        ]
        values.merge(story.values(forgotten: record.forgotten)) { $1 }
        values["status"] = status.map(card)
        values["notice"] = record.notice.map { notice in
            [
                "text": .string(notice.text), "noticeTone": .string(notice.isGood ? "good" : "bad"),
                "noticeTime": .string(notice.time.clockText),
            ]
        }
        values["sandbox"] = sandbox.map { view in
            .object([
                "worldNow": .string(view.now.secondText), "worldMachine": .string(view.now.rfc3339),
                "ahead": view.moves.all.last.map { .string(LiveTime.span(seconds: $0.after)) } ?? .null,
                "webhooks": .array(view.webhooks.prefix(Limits.liveWebhooksShown).map(LivePage.row)),
                "hasWebhooks": .bool(!view.webhooks.isEmpty), "outcomes": LivePage.outcomes(view.counts),
                "dials": LivePage.dials(view.dials),
                "scenarios": .array(
                    SandboxScenario.allCases.map {
                        ["name": .string($0.rawValue), "scenario": .string($0.title), "story": .string($0.story)]
                    }),
            ])
        }
        values["clock"] = sandbox.map { ["machine": .string($0.now.rfc3339), "text": .string($0.now.secondText)] }
        return values
    }

    // MARK: Parts

    private func card(_ status: AccountStatus) -> JSONValue {
        let tone =
            switch status.status {
            case .active: "good"
            case .pastDue, .incomplete: "warn"
            case .canceled: "bad"
            case .missing: ""
            }
        let gauges = status.usage.map {
            LiveGauge($0, steps: record.steps, moves: sandbox?.moves ?? ClockMoves(), now: now)
        }
        var values: [String: JSONValue] = [
            "word": .string(status.status.rawValue.replacing("_", with: " ")), "statusTone": .string(tone),
            "features": .string(status.features.isEmpty ? "nothing" : status.features.joined(separator: ", ")),
            "gauges": .array(gauges.map(\.values)), "hasGauges": .bool(!gauges.isEmpty),
            "hasPlots": .bool(gauges.contains { $0.plot != nil }),
        ]
        values["plan"] = status.planID.map { .string($0) }
        values["paidUntil"] = status.currentPeriodEnd.map { .string($0.secondText) }
        values["endsAt"] = status.cancelAt.map { .string($0.secondText) }
        values["next"] = status.next?.command.map { .string($0) }
        return .object(values)
    }

    private static func row(_ webhook: SandboxView.Webhook) -> JSONValue {
        [
            "number": .string("\(webhook.number)"), "eventID": .string(webhook.eventID), "type": .string(webhook.type),
            "happened": .string(webhook.created.secondText), "outcome": .string(webhook.outcome.rawValue),
            "outcomeTone": .string(webhook.outcome.tone), "sent": .string(LiveWebhook.text(of: webhook)),
        ]
    }

    /// A bar for each outcome, also for those that did not come.
    private static func outcomes(_ counts: [SandboxView.Outcome: Int]) -> JSONValue {
        let most = max(counts.values.max() ?? 0, 1)
        return .array(
            SandboxView.Outcome.allCases.map { outcome in
                let count = counts[outcome] ?? 0
                let width = count == 0 ? 0 : max(count * 300 / most, 2)
                return [
                    "outcome": .string(outcome.rawValue), "outcomeWords": .string(outcome.words),
                    "count": .string(Int64(count).grouped), "bar": .string("\(width)"),
                    "outcomeTone": .string(outcome.tone),
                ]
            })
    }

    private static func dials(_ dials: FaultDials) -> JSONValue {
        let chosen = dials.calls.first
        let kinds = FaultDials.Kind.allCases.map { kind -> JSONValue in
            ["name": .string(kind.rawValue), "chosen": .bool(kind == chosen?.kind)]
        }
        return [
            "kinds": .array(kinds), "percent": .integer(Int64(chosen?.percent ?? 100)),
            "delay": .integer(dials.webhooks.delayMilliseconds / 1_000),
            "duplicates": .integer(Int64(dials.webhooks.duplicatePercent)),
            "reorder": .integer(Int64(dials.webhooks.reorderPercent)),
            "drop": .integer(Int64(dials.webhooks.dropPercent)),
        ]
    }
}
