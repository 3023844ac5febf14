import BillingCore
import BusCore
import BusPages
import SandboxWorld

/// How the Customer Portal looks in a browser.
enum PortalTemplate {
    /// What an action did, by its name.
    static let done = [
        "cancel-now": "The subscription has ended.",
        "cancel-at-period-end": "The subscription ends with its period.",
        "resume": "The subscription goes on.",
        "change-plan": "The plan has changed.",
        "fail-next-payment": "The next payment will fail. Move the sandbox's clock to see it.",
        "let-payments-succeed": "Payments succeed again.",
    ]

    static func render(
        _ page: PortalPage, now: Timestamp, token: String, notice: (text: String, kind: String)?
    ) throws -> String {
        try templates.render(
            "portal",
            [
                "title": "Your subscriptions – Sandbox portal", "token": .string(token),
                "customer": .string(page.email ?? page.customer), "back": PageWords.link(page.returnURL),
                "clock": ["machine": .string(now.rfc3339), "text": .string(PageWords.moment(now.seconds))],
                "notice": notice.map { ["text": .string($0.text), "kind": .string($0.kind)] } ?? .null,
                "subscriptions": .array(page.subscriptions.reversed().map(subscription)),
                "hasNone": .bool(page.subscriptions.isEmpty),
                "invoices": page.invoices.isEmpty ? .null : ["rows": .array(page.invoices.map(invoice))],
            ])
    }

    private static func subscription(_ subscription: PortalPage.Subscription) -> JSONValue {
        let isOver = ["canceled", "incomplete_expired"].contains(subscription.status)
        let price = PageWords.recurring(subscription.lines, subscription.currency).map { "\($0.amount) \($0.period)" }
        let (word, kind) = status(subscription)
        return [
            "id": .string(subscription.id), "name": .string(PageWords.names(subscription.names)),
            "status": .string(word),
            "kind": .string(kind), "price": .string(price ?? "By use"), "date": date(subscription, isOver),
            "metered": .array(
                subscription.lines.filter { $0.quantity == nil }.map { PageWords.line($0, subscription.currency) }),
            "actions": isOver ? .null : actions(subscription),
        ]
    }

    private static func actions(_ subscription: PortalPage.Subscription) -> JSONValue {
        let offers = subscription.offers.map { offer -> JSONValue in
            let price = PageWords.money(MinorUnits(decimal: offer.unitAmount), offer.currency)
            let period = PageWords.period(offer.interval, offer.intervalCount)
            return ["price": .string(offer.price), "text": .string("\(offer.name), \(price) \(period)")]
        }
        return [
            "offers": offers.isEmpty ? .null : ["choices": .array(offers)],
            "canResume": .bool(subscription.cancelAt != nil || subscription.isPaused),
            "canCancelLater": .bool(subscription.cancelAt == nil), "fails": .bool(subscription.failingPayments > 0),
        ]
    }

    private static func status(_ subscription: PortalPage.Subscription) -> (String, String) {
        switch subscription.status {
        case "active" where subscription.isPaused: ("Payment paused", "warn")
        case "active" where subscription.cancelAt != nil: ("Ends soon", "warn")
        case "active": ("Active", "good")
        case "trialing": ("Free trial", "good")
        case "past_due": ("Past due", "bad")
        case "unpaid": ("Unpaid", "bad")
        case "incomplete": ("Waiting for its payment", "warn")
        case "incomplete_expired": ("Never paid", "")
        case "paused": ("Paused", "warn")
        case "canceled": ("Ended", "")
        default: (subscription.status, "")
        }
    }

    private static func date(_ subscription: PortalPage.Subscription, _ isOver: Bool) -> JSONValue {
        let (name, time) =
            if isOver {
                ("Ended", subscription.endedAt)
            } else if let cancelAt = subscription.cancelAt {
                ("Ends", Int64?.some(cancelAt))
            } else {
                (subscription.status == "trialing" ? "Trial ends" : "Renews", Int64?.some(subscription.periodEnd))
            }
        guard let time else { return .null }
        return [
            "name": .string(name), "day": .string(PageWords.day(time)), "machine": .string(PageWords.machine(time)),
        ]
    }

    private static func invoice(_ invoice: PortalPage.Invoice) -> JSONValue {
        let (word, kind) = InvoiceTemplate.status(invoice.status)
        return [
            "page": .string("/local/stripe/invoice/\(invoice.pageKey)"), "number": .string(invoice.number),
            "status": .string(word), "kind": .string(kind), "day": .string(PageWords.day(invoice.created)),
            "machine": .string(PageWords.machine(invoice.created)),
            "total": .string(PageWords.money(invoice.total, invoice.currency)),
        ]
    }

    private static let templates = PageTemplates([
        "portal": """
        {{<frame}}{{$content}}
        <div class="stack loose">
        {{#notice}}<p class="notice {{kind}}" role="status">{{text}}</p>{{/notice}}
        <div class="stack tight"><h1>Your subscriptions</h1><p class="quiet">{{customer}}</p></div>
        {{#hasNone}}<p class="card">There are no subscriptions yet.</p>{{/hasNone}}
        {{#subscriptions}}{{>subscription}}{{/subscriptions}}
        <section class="card stack" aria-labelledby="invoices">
        <h2 id="invoices">Invoices</h2>
        {{#invoices}}
        <table>
        <thead><tr><th scope="col">Invoice</th><th scope="col">State</th>\
        <th scope="col" class="number">Total</th></tr></thead>
        <tbody>
        {{#rows}}<tr><td><time datetime="{{machine}}">{{day}}</time> <a class="link" href="{{page}}">{{number}}</a></td>\
        <td><span class="badge {{kind}}">{{status}}</span></td><td class="number">{{total}}</td></tr>
        {{/rows}}</tbody>
        </table>
        {{/invoices}}
        {{^invoices}}<p class="quiet">There are no invoices yet.</p>{{/invoices}}
        </section>
        {{#back}}<p><a class="link" href="{{url}}">Go back to {{site}}</a></p>{{/back}}
        </div>
        {{/content}}{{/frame}}
        """,
        "subscription": """
        <section class="card stack" aria-labelledby="{{id}}">
        <div class="row spread"><h2 id="{{id}}">{{name}}</h2><span class="badge {{kind}}">{{status}}</span></div>
        <dl class="facts">
        <dt>Price</dt><dd>{{price}}</dd>
        {{#metered}}<dt>{{name}}</dt><dd>{{hint}}</dd>
        {{/metered}}
        {{#date}}<dt>{{name}}</dt><dd><time datetime="{{machine}}">{{day}}</time></dd>{{/date}}
        {{#actions}}{{#fails}}<dt>Next payment</dt><dd>Will fail</dd>{{/fails}}{{/actions}}
        </dl>
        {{#actions}}
        {{#offers}}
        <form method="post" class="stack rule">
        <input type="hidden" name="token" value="{{token}}">
        <input type="hidden" name="subscription" value="{{id}}">
        <div class="field">
        <label for="price-{{id}}">Change the plan</label>
        <select id="price-{{id}}" name="price" required>
        {{#choices}}<option value="{{price}}">{{text}}</option>
        {{/choices}}</select>
        </div>
        <div class="row"><button class="button" name="action" value="change-plan">Change the plan</button></div>
        </form>
        {{/offers}}
        <form method="post" class="row rule">
        <input type="hidden" name="token" value="{{token}}">
        <input type="hidden" name="subscription" value="{{id}}">
        {{#canResume}}<button class="button main" name="action" value="resume">Keep the subscription</button>{{/canResume}}
        {{#canCancelLater}}<button class="button" name="action" value="cancel-at-period-end">\
        Cancel when the period ends</button>{{/canCancelLater}}
        <button class="button danger" name="action" value="cancel-now">Cancel now</button>
        {{^fails}}<button class="button" name="action" value="fail-next-payment">Let the next payment fail</button>{{/fails}}
        {{#fails}}<button class="button" name="action" value="let-payments-succeed">Let payments succeed</button>{{/fails}}
        </form>
        {{/actions}}
        </section>
        """,
    ])
}
