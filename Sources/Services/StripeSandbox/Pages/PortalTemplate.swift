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
        "change-quantity": "The quantity has changed.",
        "new-card": "The new card is charged from now on.",
        "change-details": "Your details have changed.",
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
                "headline": page.headline.map { .string($0) } ?? .null,
                "subscriptions": .array(page.subscriptions.reversed().map { subscription($0, page.features) }),
                "hasNone": .bool(page.subscriptions.isEmpty),
                "history": page.features.showsInvoices
                    ? ["invoices": page.invoices.isEmpty ? .null : ["rows": .array(page.invoices.map(invoice))]]
                    : .null,
                "self": ownSection(page), "links": links(page),
            ])
    }

    /// What is about the customer and no subscription.
    private static func ownSection(_ page: PortalPage) -> JSONValue {
        let labels: [PortalFeatures.Detail: (label: String, type: String, fill: String, length: String)] = [
            .email: ("Email", "email", "email", "512"), .name: ("Name", "text", "name", "256"),
            .phone: ("Phone", "tel", "tel", "20"),
        ]
        let fields = PortalFeatures.Detail.allCases.compactMap { detail -> JSONValue? in
            guard let value = page.details[detail], let words = labels[detail] else { return nil }
            return [
                "name": .string(detail.rawValue), "label": .string(words.label), "type": .string(words.type),
                "fill": .string(words.fill), "length": .string(words.length), "value": .string(value),
                "required": .bool(detail == .email),
            ]
        }
        if fields.isEmpty, !page.features.replacesMethod { return .null }
        return [
            "details": fields.isEmpty ? .null : ["fields": .array(fields)],
            "replacesMethod": .bool(page.features.replacesMethod),
        ]
    }

    private static func links(_ page: PortalPage) -> JSONValue {
        let all: [JSONValue] = [("Terms", page.termsURL), ("Privacy", page.privacyURL)].compactMap { name, url in
            guard let url, PageWords.site(url) != nil else { return nil }
            return ["name": .string(name), "url": .string(url)]
        }
        return all.isEmpty ? .null : ["all": .array(all)]
    }

    private static func subscription(
        _ subscription: PortalPage.Subscription, _ features: PortalFeatures
    ) -> JSONValue {
        let isOver = ["canceled", "incomplete_expired"].contains(subscription.status)
        let price = PageWords.recurring(subscription.lines, subscription.currency).map { "\($0.amount) \($0.period)" }
        let (word, kind) = status(subscription)
        return [
            "id": .string(subscription.id), "name": .string(PageWords.names(subscription.names)),
            "status": .string(word),
            "kind": .string(kind), "price": .string(price ?? "By use"), "date": date(subscription, isOver),
            "metered": .array(
                subscription.lines.filter { $0.quantity == nil }.map { PageWords.line($0, subscription.currency) }),
            "actions": isOver ? .null : actions(subscription, features),
        ]
    }

    private static func actions(
        _ subscription: PortalPage.Subscription, _ features: PortalFeatures
    ) -> JSONValue {
        let offers = subscription.offers.map { offer -> JSONValue in
            let price = PageWords.money(MinorUnits(decimal: offer.unitAmount), offer.currency)
            let period = PageWords.period(offer.interval, offer.intervalCount)
            return ["price": .string(offer.price), "text": .string("\(offer.name), \(price) \(period)")]
        }
        return [
            "offers": offers.isEmpty ? .null : ["choices": .array(offers)],
            "quantity": subscription.quantity.map { ["value": .integer($0)] } ?? .null,
            "reasons": features.cancels && !features.reasons.isEmpty
                ? ["all": .array(features.reasons.map(reason))] : .null,
            "canResume": .bool(features.cancels && (subscription.cancelAt != nil || subscription.isPaused)),
            "canCancelNow": .bool(features.cancelsNow),
            "canCancelLater": .bool(features.cancelsLater && subscription.cancelAt == nil),
            "fails": .bool(subscription.failingPayments > 0),
        ]
    }

    private static func reason(_ reason: PortalFeatures.Reason) -> JSONValue {
        let text =
            switch reason {
            case .tooExpensive: "It is too expensive"
            case .missingFeatures: "Something is missing"
            case .switchedService: "I use another service"
            case .tooComplex: "It is too complex"
            case .customerService: "The service was poor"
            case .lowQuality: "The quality is low"
            case .unused: "I do not use it"
            case .other: "Something else"
            }
        return ["word": .string(reason.rawValue), "text": .string(text)]
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
        <div class="stack tight"><h1>Your subscriptions</h1>{{#headline}}<p>{{.}}</p>{{/headline}}\
        <p class="quiet">{{customer}}</p></div>
        {{#hasNone}}<p class="card">There are no subscriptions yet.</p>{{/hasNone}}
        {{#subscriptions}}{{>subscription}}{{/subscriptions}}
        {{#self}}{{>self}}{{/self}}
        {{#history}}
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
        {{/history}}
        {{#links}}<p class="row">{{#all}}<a class="link" href="{{url}}">{{name}}</a> {{/all}}</p>{{/links}}
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
        {{#quantity}}
        <form method="post" class="stack rule">
        <input type="hidden" name="token" value="{{token}}">
        <input type="hidden" name="subscription" value="{{id}}">
        <div class="field">
        <label for="quantity-{{id}}">Change the quantity</label>
        <input id="quantity-{{id}}" name="quantity" type="number" min="1" max="999999" required value="{{value}}">
        </div>
        <div class="row"><button class="button" name="action" value="change-quantity">Change the quantity</button></div>
        </form>
        {{/quantity}}
        <form method="post" class="stack rule">
        <input type="hidden" name="token" value="{{token}}">
        <input type="hidden" name="subscription" value="{{id}}">
        {{#reasons}}
        <div class="field">
        <label for="reason-{{id}}">If you cancel, why?</label>
        <select id="reason-{{id}}" name="reason">
        <option value="">No answer</option>
        {{#all}}<option value="{{word}}">{{text}}</option>
        {{/all}}</select>
        </div>
        {{/reasons}}
        <div class="row">
        {{#canResume}}<button class="button main" name="action" value="resume">Keep the subscription</button>{{/canResume}}
        {{#canCancelLater}}<button class="button" name="action" value="cancel-at-period-end">\
        Cancel when the period ends</button>{{/canCancelLater}}
        {{#canCancelNow}}<button class="button danger" name="action" value="cancel-now">Cancel now</button>{{/canCancelNow}}
        {{^fails}}<button class="button" name="action" value="fail-next-payment">Let the next payment fail</button>{{/fails}}
        {{#fails}}<button class="button" name="action" value="let-payments-succeed">Let payments succeed</button>{{/fails}}
        </div>
        </form>
        {{/actions}}
        </section>
        """,
        "self": """
        <section class="card stack" aria-labelledby="self">
        <h2 id="self">About you</h2>
        {{#details}}
        <form method="post" class="stack">
        <input type="hidden" name="token" value="{{token}}">
        {{#fields}}
        <div class="field">
        <label for="self-{{name}}">{{label}}</label>
        <input id="self-{{name}}" name="{{name}}" type="{{type}}" autocomplete="{{fill}}" maxlength="{{length}}"\
        {{#required}} required{{/required}} value="{{value}}">
        </div>
        {{/fields}}
        <div class="row"><button class="button" name="action" value="change-details">Save the details</button></div>
        </form>
        {{/details}}
        {{#replacesMethod}}
        <form method="post" class="row rule">
        <input type="hidden" name="token" value="{{token}}">
        <button class="button" name="action" value="new-card">Use a new card</button>
        </form>
        {{/replacesMethod}}
        </section>
        """,
    ])
}
