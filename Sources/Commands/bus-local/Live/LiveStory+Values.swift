import BusCore
import StripeSandbox

// What the templates show of the story.
extension LiveStory {
    /// The payments, the newest one open, and what belongs to none.
    func values(forgotten: Int) -> [String: JSONValue] {
        let shown = payments.prefix(Limits.livePaymentsShown)
        var values: [String: JSONValue] = [
            "hasNoPayments": .bool(payments.isEmpty),
            "payments": .array(
                shown.enumerated().map { place, chapter in .object(chapter.headingValues(isNewest: place == 0)) }),
            "rest": .object(rest.values(forgotten: forgotten)),
        ]
        if payments.count > shown.count {
            values["olderPayments"] = .string(Int64(payments.count - shown.count).grouped)
        }
        return values
    }
}

extension LiveStory.Chapter {
    fileprivate func headingValues(isNewest: Bool) -> [String: JSONValue] {
        var values = values(forgotten: 0)
        let tones = ["active": "good", "complete": "good", "paid": "good", "trialing": "good", "canceled": "bad"]
        let warned = ["past_due", "unpaid", "incomplete", "paused", "incomplete_expired"].contains(heading.status)
        values["paymentName"] = .string(heading.name)
        values["paymentStatus"] = .string(heading.status.replacing("_", with: " "))
        values["paymentTone"] = .string(warned ? "warn" : tones[heading.status] ?? "")
        values["paymentPrice"] = heading.price.map { .string($0) }
        values["paymentPlans"] = .string(heading.prices.joined(separator: ", "))
        values["paymentOutdated"] = heading.outdated.map { .string($0.replacing("_", with: " ")) }
        values["paymentBegun"] = begun.map { .string($0.secondText) }
        values["isNewest"] = .bool(isNewest)
        return values
    }

    /// Steps in order: the newest of them, those before in a fold, and those that changed nothing in another.
    fileprivate func values(forgotten: Int) -> [String: JSONValue] {
        let kept = items.suffix(Limits.liveStepsShown)
        let recent = kept.suffix(Limits.liveStepsOpen)
        let earlier = kept.dropLast(recent.count)
        let hidden = forgotten + items.count - kept.count
        var values: [String: JSONValue] = [
            "storyID": .string(id), "recent": LiveStory.Chapter.list(recent, after: earlier.last),
            "hasRecent": .bool(!recent.isEmpty),
        ]
        if hidden > 0 { values["hidden"] = .string(Int64(hidden).grouped) }
        if !earlier.isEmpty {
            values["earlier"] = [
                "count": .string("\(earlier.count)"), "list": LiveStory.Chapter.list(earlier, after: nil),
                "noun": .string(earlier.count == 1 ? "step" : "steps"),
            ]
        }
        if !quiet.isEmpty {
            let shown = quiet.suffix(Limits.liveStepsShown)
            values["quiet"] = [
                "count": .string(Int64(quiet.count).grouped), "list": LiveStory.Chapter.list(shown, after: nil),
                "noun": .string(quiet.count == 1 ? "webhook" : "webhooks"),
            ]
        }
        return values
    }

    private static func list(_ items: ArraySlice<LiveStory.Item>, after first: LiveStory.Item?) -> JSONValue {
        var before = first
        return .array(
            items.map { item in
                defer { before = item }
                return .object(item.values(after: before))
            })
    }
}

extension LiveStory.Item {
    fileprivate func values(after before: LiveStory.Item?) -> [String: JSONValue] {
        let isSameDay = before?.time.dayText == time.dayText
        var values: [String: JSONValue] = [
            "title": .string(title), "id": .string(id), "cause": .string(cause), "machine": .string(time.rfc3339),
            "time": .string(isSameDay ? time.clockText : time.secondText),
        ]
        if !detail.isEmpty { values["detail"] = .string(detail) }
        if tone != .plain { values["tone"] = .string(tone.rawValue) }
        // A longer wait can be seen in the times themselves.
        if let before, time.nanoseconds - before.time.nanoseconds < 3_600_000_000_000 {
            values["since"] = LiveTime.span(from: before.time, to: time).map { .string("+\($0)") }
        }
        values["stripeTime"] = stripeTime.map { .string($0.secondText) }
        values["page"] = page.map { .string($0) }
        guard let webhook else { return values }
        if let verdict = webhook.verdict {
            values["verdict"] = .string(verdict.text)
            values["verdictTone"] = .string(verdict.tone == .plain ? "" : verdict.tone.rawValue)
            values["verdictSince"] = verdict.since.flatMap { since in
                LiveTime.span(from: webhook.time, to: since).map { .string("\($0) after it was sent") }
            }
            values["verdictDetail"] = webhook.isQuiet ? webhook.result.map { .string($0.detail) } : nil
        }
        values["ways"] = .array(webhook.ways.suffix(Limits.liveRepetitionsShown).map(LiveStory.Item.values))
        let again = webhook.repetitions
        if !again.isEmpty {
            values["again"] = [
                "againID": .string(webhook.eventID), "count": .string(Int64(again.count).grouped),
                "noun": .string(again.count == 1 ? "time" : "times"),
                "againList": .array(
                    again.suffix(Limits.liveRepetitionsShown).map { ["againText": .string($0.text)] }),
            ]
        }
        return values
    }

    private static func values(_ way: LiveWebhook.Way) -> JSONValue {
        [
            "way": .string(way.outcome.rawValue), "wayTone": .string(way.outcome.tone), "wayText": .string(way.text),
            "wayReason": way.reason.map { .string($0) } ?? .null,
        ]
    }
}

extension SandboxView.Outcome {
    /// The tone of its badge.
    var tone: String {
        switch self {
        case .delivered: "good"
        case .refused, .failed, .dropped: "bad"
        case .waiting: "warn"
        }
    }

    /// What it means.
    var words: String {
        switch self {
        case .delivered: "answered 2xx"
        case .refused: "answered 4xx"
        case .failed: "given up: no answer, or 5xx"
        case .dropped: "kept back by a dial"
        case .waiting: "not answered yet"
        }
    }
}
