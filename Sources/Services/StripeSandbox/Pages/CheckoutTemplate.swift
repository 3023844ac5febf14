import BusCore
import BusPages
import SandboxWorld

/// How a Checkout Session looks in a browser.
enum CheckoutTemplate {
    /// What just happened, above the page.
    enum Notice {
        case declined
        case alreadyOver
        case badEmail(String)
        case impossible(String)
    }

    static func render(_ page: CheckoutPage, now: Timestamp, token: String, notice: Notice?) throws -> String {
        let name = PageWords.names(page.lines.map(\.name))
        let heading =
            switch page.mode {
            case "subscription": "Subscribe to \(name)"
            case "setup": "Save a payment method"
            default: name
            }
        let seconds = now.seconds
        var values: [String: JSONValue] = [
            "title": .string("\(heading) – Sandbox Checkout"), "heading": .string(heading), "token": .string(token),
            "clock": ["machine": .string(now.rfc3339), "text": .string(PageWords.moment(seconds))],
            "price": price(page), "lines": lines(page),
            "facts": facts(page), "success": PageWords.link(page.successURL),
            "cancel": PageWords.link(page.cancelURL), "notice": text(of: notice).map { .string($0) } ?? .null,
        ]
        switch page.status {
        case "open": values["open"] = open(page, notice)
        case "expired":
            values["over"] = [
                "heading": "This session has expired",
                "text": "Nothing was charged. Ask the shop for a new link.",
            ]
        default: values["done"] = done(page)
        }
        return try templates.render("checkout", .object(values))
    }

    private static func text(of notice: Notice?) -> String? {
        switch notice {
        case .declined: "The card was declined. Nothing was charged. Try again, or take another way to pay."
        case .alreadyOver: "This session was over before the form arrived. Nothing was charged again."
        case .impossible(let reason): PageProblem.sentence(reason)
        case .badEmail, nil: nil
        }
    }

    private static func open(_ page: CheckoutPage, _ notice: Notice?) -> JSONValue {
        var email = page.email.map { JSONValue.string($0) } ?? "payer@example.com"
        var error = JSONValue.null
        if case .badEmail(let text) = notice {
            email = .string(text)
            error = "This is not an email address. Write it like name@example.com."
        }
        let isFree = page.payment == "no_payment_required"
        let label =
            if page.mode == "setup" {
                "Save the payment method"
            } else if page.trialEnd != nil, isFree {
                "Start the free trial"
            } else if isFree {
                page.mode == "subscription" ? "Subscribe" : "Finish"
            } else {
                "Pay \(PageWords.money(page.total, page.currency))"
            }
        return [
            "label": .string(label), "email": email, "error": error, "isKnown": .bool(page.email != nil),
            "debit": .bool(!isFree),
        ]
    }

    private static func done(_ page: CheckoutPage) -> JSONValue {
        if let due = page.debitDueAt {
            return [
                "heading": "The payment is under way",
                "text": .string("The bank says on \(PageWords.day(due)) what became of the debit."),
            ]
        }
        return switch page.payment {
        case "paid": ["heading": "Paid", "text": "This session is complete. It charges nothing again."]
        case "unpaid":
            ["heading": "The payment failed", "text": "The bank returned the debit. This session is over."]
        default: ["heading": "Done", "text": "This session is complete. Nothing was due."]
        }
    }

    private static func price(_ page: CheckoutPage) -> JSONValue {
        if page.mode == "setup" { return .null }
        if let (amount, period) = PageWords.recurring(page.lines, page.currency) {
            return ["amount": .string(amount), "period": .string(period)]
        }
        if page.lines.allSatisfy({ $0.quantity == nil }) { return ["amount": "Pay by use"] }
        return ["amount": .string(PageWords.money(page.total, page.currency))]
    }

    /// One line that says no more than the price above it is left out.
    private static func lines(_ page: CheckoutPage) -> JSONValue {
        if page.lines.count == 1, page.lines[0].quantity == 1, page.lines[0].unitAmount != nil { return .null }
        let lines = page.lines.map { PageWords.line($0, page.currency) }
        return lines.isEmpty ? .null : ["all": .array(lines)]
    }

    private static func facts(_ page: CheckoutPage) -> JSONValue {
        func fact(_ name: String, _ value: String) -> JSONValue { ["name": .string(name), "value": .string(value)] }
        var facts: [JSONValue] = []
        if let end = page.trialEnd { facts.append(fact("Free trial until", PageWords.day(end))) }
        if page.mode != "setup", page.status != "expired" {
            facts.append(
                fact(page.status == "open" ? "Due today" : "Amount", PageWords.money(page.total, page.currency)))
        }
        if let account = page.accountID { facts.append(fact("For account", account)) }
        if page.status != "open", let email = page.email { facts.append(fact("Email", email)) }
        return facts.isEmpty ? .null : ["all": .array(facts)]
    }

    private static let templates = PageTemplates([
        "checkout": """
        {{<frame}}{{$content}}
        <div class="stack loose">
        {{#notice}}<p class="notice bad" role="alert">{{.}}</p>{{/notice}}
        {{#over}}<div class="card stack tight"><h1>{{heading}}</h1><p>{{text}}</p></div>{{/over}}
        {{#done}}<div class="card stack tight"><h1>{{heading}}</h1><p>{{text}}</p></div>{{/done}}
        <section class="card stack" aria-label="What is bought">
        {{#open}}<div class="stack tight"><p class="quiet">Checkout</p><h1>{{heading}}</h1></div>{{/open}}
        {{^open}}<h2>{{heading}}</h2>{{/open}}
        {{#price}}<p class="price"><strong>{{amount}}</strong>{{#period}} {{.}}{{/period}}</p>{{/price}}
        {{#lines}}<ul class="lines">
        {{#all}}<li><span>{{name}}</span><span class="number">{{price}}</span>\
        {{#hint}}<span class="hint">{{.}}</span>{{/hint}}</li>
        {{/all}}</ul>{{/lines}}
        {{#facts}}<dl class="facts rule">
        {{#all}}<dt>{{name}}</dt><dd>{{value}}</dd>
        {{/all}}</dl>{{/facts}}
        </section>
        {{#open}}
        <form method="post" class="card stack loose" aria-label="Payment">
        <input type="hidden" name="token" value="{{token}}">
        <div class="stack">
        {{#isKnown}}<p class="stack tight"><span class="quiet">Email</span><strong>{{email}}</strong></p>{{/isKnown}}
        {{^isKnown}}
        <div class="field">
        <label for="email">Email</label>
        <input id="email" name="email" type="email" autocomplete="email" required maxlength="254" value="{{email}}"\
        {{#error}} aria-invalid="true" aria-describedby="email-error"{{/error}}>
        {{#error}}<p class="error" id="email-error">{{.}}</p>{{/error}}
        </div>
        {{/isKnown}}
        <button class="button main full" name="action" value="pay">{{label}}</button>
        </div>
        <fieldset class="stack">
        <legend class="hint">Or see what else can happen</legend>
        {{#debit}}
        <button class="button full" name="action" value="pay-later">Pay by bank debit that settles in 3 days</button>
        <button class="button full" name="action" value="pay-later-fails">Pay by bank debit that fails in 3 days</button>
        {{/debit}}
        <button class="button full" name="action" value="decline" formnovalidate>Let the card be declined</button>
        </fieldset>
        </form>
        {{#cancel}}<p><a class="link" href="{{url}}">Go back to {{site}} without paying</a></p>{{/cancel}}
        {{/open}}
        {{#done}}{{#success}}<p><a class="button main" href="{{url}}">Go on to {{site}}</a></p>{{/success}}{{/done}}
        {{#over}}{{#cancel}}<p><a class="button" href="{{url}}">Go back to {{site}}</a></p>{{/cancel}}{{/over}}
        </div>
        {{/content}}{{/frame}}
        """
    ])
}
