import BusCore
import StripeIntegration
import StripeSandbox

/// What happened, by the payment that it belongs to.
struct LiveStory {
    /// One line of a story.
    struct Item {
        /// By this machine's clock.
        let time: Timestamp
        let title: String
        var detail = ""
        let id: String
        let cause: String
        var tone = LiveStep.Tone.plain
        /// When it happened by Stripe's clock, where that says more.
        var stripeTime: Timestamp?
        var webhook: LiveWebhook?
        /// A page to open.
        var page: String?
    }

    /// A payment, or what belongs to none.
    struct Chapter {
        let id: String
        /// In order; what changed something, or should have.
        var items: [Item] = []
        /// Webhooks that changed nothing.
        var quiet: [Item] = []
        var heading = Heading()

        var begun: Timestamp? { (items + quiet).map(\.time).min() }
    }

    /// What a payment is, and how it stands.
    struct Heading {
        var name = "A payment"
        var price: String?
        var prices: [String] = []
        /// Stripe's word.
        var status = ""
        /// What the newest update told Bus, where Stripe says something else by now.
        var outdated: String?
    }

    /// Newest first.
    private(set) var payments: [Chapter] = []
    /// What belongs to no payment.
    private(set) var rest = Chapter(id: "rest")

    init(_ record: LiveRecord.View, _ sandbox: SandboxView?) {
        let binder = LiveBinder(record.steps, sandbox)
        var chapters: [String: Chapter] = [:]
        func add(_ item: Item, to payment: String?, isQuiet: Bool = false) {
            let key = payment ?? rest.id
            if isQuiet {
                chapters[key, default: Chapter(id: key)].quiet.append(item)
            } else {
                chapters[key, default: Chapter(id: key)].items.append(item)
            }
        }
        for step in record.steps {
            switch step.matter {
            case .request(let correlation): add(Item(step), to: binder.payment(correlation: correlation))
            case .page(let correlation, _):
                let payment = binder.payment(correlation: correlation)
                add(Item(step, isPage: true), to: payment)
            case .usage, .other: add(Item(step), to: nil)
            case .passedOn, .update, .result: break
            }
        }
        let (webhooks, strangers) = LiveStory.webhooks(record, sandbox)
        // Other accounts have webhooks too; what they pay is not told here.
        var own = Set((sandbox?.payments ?? []).compactMap { $0.subscription ?? $0.session })
        own.formUnion(webhooks.filter { $0.update != nil }.compactMap(\.subscription))
        own.formUnion(chapters.keys)
        for webhook in webhooks {
            let known = binder.payment(session: webhook.session, subscription: webhook.subscription)
            let payment = known.flatMap { own.contains($0) || webhook.update != nil ? $0 : nil }
            add(Item(webhook, sandbox), to: payment, isQuiet: webhook.isQuiet)
        }
        for refusal in strangers { add(Item(refusal), to: nil) }
        for move in sandbox?.moves.all ?? [] { add(Item(move), to: nil) }
        for key in chapters.keys {
            chapters[key]?.items.sort { $0.time < $1.time }
            chapters[key]?.quiet.sort { $0.time < $1.time }
        }
        rest = chapters.removeValue(forKey: rest.id) ?? rest
        payments = chapters.values.map { LiveStory.headed($0, record.steps, sandbox) }
            .sorted { ($0.begun ?? .earliest, $0.id) > ($1.begun ?? .earliest, $1.id) }
    }

    // MARK: Webhooks

    /// Every event with its deliveries, and refused webhooks that nobody here has sent.
    private static func webhooks(
        _ record: LiveRecord.View, _ sandbox: SandboxView?
    ) -> (known: [LiveWebhook], strangers: [WebhookRefusal]) {
        var known: [String: LiveWebhook] = [:]
        var told: [String: LiveStep.Update] = [:]
        for step in record.steps {
            switch step.matter {
            case .update(let update):
                known[update.eventID, default: LiveWebhook(eventID: update.eventID)].update = step
                guard let subscription = update.subscription, update.periodEnd != nil else { continue }
                known[update.eventID]?.isNews = told[subscription].map { !update.tellsTheSame(as: $0) } ?? true
                told[subscription] = update
            case .result(let eventID, _): known[eventID, default: LiveWebhook(eventID: eventID)].result = step
            default: break
            }
        }
        // Newest first there, oldest first here.
        for webhook in (sandbox?.webhooks ?? []).reversed() {
            known[webhook.eventID, default: LiveWebhook(eventID: webhook.eventID)].deliveries.append(webhook)
        }
        var strangers: [WebhookRefusal] = []
        for refusal in record.refusals {
            if let id = refusal.eventID, known[id]?.deliveries.isEmpty == false {
                known[id]?.refusals.append(refusal)
            } else {
                strangers.append(refusal)
            }
        }
        // The facts of a result were forgotten before it.
        return (known.values.filter { $0.update != nil || !$0.deliveries.isEmpty }, strangers)
    }

    // MARK: Headings

    private static func headed(_ chapter: Chapter, _ steps: [LiveStep], _ sandbox: SandboxView?) -> Chapter {
        var chapter = chapter
        let updates = (chapter.items + chapter.quiet).compactMap { item -> LiveStep.Update? in
            if case .update(let update)? = item.webhook?.update?.matter { update } else { nil }
        }
        let newest = updates.filter { $0.subscription != nil }.max { $0.occurredAt < $1.occurredAt }
        let payment = sandbox?.payments.first { ($0.subscription ?? $0.session) == chapter.id }
        var heading = Heading()
        if let payment {
            heading.name = payment.name
            (heading.price, heading.prices, heading.status) = (payment.price, payment.lookupKeys, payment.status)
            if let newest, payment.subscription != nil, newest.status != payment.status {
                heading.outdated = newest.status
            }
        } else if let newest {
            (heading.prices, heading.status) = (newest.prices, newest.status)
        } else {
            heading.status = chapter.items.contains { $0.page != nil } ? "open" : "asked for"
        }
        chapter.heading = heading
        return chapter
    }
}

extension LiveStory.Item {
    fileprivate init(_ step: LiveStep, isPage: Bool = false) {
        self.init(
            time: step.time, title: step.title, detail: step.detail, id: step.id, cause: step.cause, tone: step.tone,
            page: isPage && step.id.hasPrefix("cs_local_") ? "/local/stripe/checkout/\(step.id)" : nil)
    }

    fileprivate init(_ webhook: LiveWebhook, _ sandbox: SandboxView?) {
        let (update, first) = (webhook.update, webhook.deliveries.first)
        var cause = update?.cause ?? ""
        if let first, let sandbox {
            let moved = first.isFromCall ? nil : sandbox.moves.move(over: first.created)
            cause =
                first.isFromCall
                ? "a call of Stripe's API"
                : moved.map { _ in "the clock was moved past that time" } ?? "a page of Stripe's, or its clock"
        }
        self.init(
            time: webhook.time, title: update?.title ?? "Webhook: \(first?.type ?? "")", detail: update?.detail ?? "",
            id: webhook.eventID, cause: cause, tone: update?.tone ?? .plain,
            stripeTime: first.flatMap { abs($0.created.seconds - webhook.time.seconds) < 5 ? nil : $0.created },
            webhook: webhook)
    }

    fileprivate init(_ refusal: WebhookRefusal) {
        self.init(
            time: refusal.time, title: "A webhook was refused", detail: refusal.reason,
            id: refusal.eventID ?? "no event id", cause: "somebody sent it to the webhook's address", tone: .bad)
    }

    fileprivate init(_ move: ClockMoves.Move) {
        self.init(
            time: move.at, title: "Stripe's clock was moved",
            detail: LiveTime.span(seconds: move.after - move.before) + " on",
            id: "from \(move.from.secondText) to \(move.to.secondText)",
            cause: "a button of this page, or /sandbox/clock")
    }
}
