import BusCore
import BusPages
import SandboxWorld

/// How an invoice looks in a browser.
enum InvoiceTemplate {
    /// What people call a state, and its colour.
    static func status(_ word: String) -> (word: String, kind: String) {
        switch word {
        case "paid": ("Paid", "good")
        case "open": ("Open", "warn")
        case "uncollectible": ("Given up", "bad")
        default: (PageProblem.capitalized(word), "")
        }
    }

    static func render(
        _ page: InvoicePage, now: Timestamp, token: String, notice: (text: String, kind: String)?
    ) throws -> String {
        let (word, kind) = status(page.status)
        let remaining = PageWords.money(page.remaining, page.currency)
        return try templates.render(
            "invoice",
            [
                "title": .string("Invoice \(page.number) – Sandbox"), "number": .string(page.number),
                "customer": .string(page.customer), "token": .string(token),
                "clock": ["machine": .string(now.rfc3339), "text": .string(PageWords.moment(now.seconds))],
                "notice": notice.map { ["text": .string($0.text), "kind": .string($0.kind)] } ?? .null,
                "status": .string(word), "kind": .string(kind), "story": .string(story(page)),
                "lines": .array(page.lines.map { line($0, page.currency) }), "isEmpty": .bool(page.lines.isEmpty),
                "facts": .array(facts(page)),
                "pay": page.isPayable ? ["label": .string("Pay \(remaining)")] : .null,
            ])
    }

    private static func story(_ page: InvoicePage) -> String {
        switch page.status {
        case "paid": return "This invoice is paid. Nothing is charged again."
        case "void": return "This invoice is void. Nobody has to pay it."
        case "uncollectible": return "The seller has given this invoice up. Nothing is charged."
        default: break
        }
        if let time = page.debitDueAt {
            return "A bank debit is under way. The bank says on \(PageWords.day(time)) what became of it."
        }
        let past = page.attempts > 0 ? "The last charge failed." : "Nothing was charged yet."
        guard let time = page.nextAttemptAt else { return "\(past) It is not charged again by itself, so pay it here." }
        return "\(past) The next attempt is on \(PageWords.day(time)); pay here to be sooner."
    }

    private static func line(_ line: InvoicePage.Line, _ currency: String) -> JSONValue {
        let count = line.quantity ?? 1
        let hint = line.period.map { "\(PageWords.day($0.lowerBound)) to \(PageWords.day($0.upperBound))" }
        return [
            "name": .string(count == 1 ? line.name : "\(line.name) × \(count)"),
            "hint": hint.map { .string($0) } ?? .null, "amount": .string(PageWords.money(line.amount, currency)),
        ]
    }

    private static func facts(_ page: InvoicePage) -> [JSONValue] {
        func day(_ name: String, _ time: Int64?) -> JSONValue? {
            time.map {
                [
                    "name": .string(name), "day": .string(PageWords.day($0)),
                    "machine": .string(PageWords.machine($0)),
                ]
            }
        }
        func money(_ name: String, _ amount: Int64) -> JSONValue {
            ["name": .string(name), "amount": .string(PageWords.money(amount, page.currency))]
        }
        return [
            money("Total", page.total),
            page.credit > 0 ? money("Paid from your credit", page.credit) : nil,
            page.credit < 0 ? money("Added to your credit", -page.credit) : nil, money("Left to pay", page.remaining),
            day("Issued", page.issuedAt),
            day("Paid", page.paidAt), day("Void since", page.voidedAt), day("Next attempt", page.nextAttemptAt),
        ].compactMap(\.self)
    }

    private static let templates = PageTemplates([
        "invoice": """
        {{<frame}}{{$content}}
        <div class="stack loose">
        {{#notice}}<p class="notice {{kind}}" role="status">{{text}}</p>{{/notice}}
        <div class="stack tight">
        <div class="row spread"><h1>Invoice {{number}}</h1><span class="badge {{kind}}">{{status}}</span></div>
        <p class="quiet">{{customer}}</p>
        </div>
        <section class="card stack" aria-label="What is charged">
        <p>{{story}}</p>
        <table>
        <thead><tr><th scope="col">What</th><th scope="col" class="number">Amount</th></tr></thead>
        <tbody>
        {{#lines}}<tr><td>{{name}}{{#hint}}<span class="hint">{{.}}</span>{{/hint}}</td>\
        <td class="number">{{amount}}</td></tr>
        {{/lines}}{{#isEmpty}}<tr><td>Nothing</td><td></td></tr>
        {{/isEmpty}}</tbody>
        </table>
        <dl class="facts rule">
        {{#facts}}<dt>{{name}}</dt><dd>{{amount}}{{#day}}<time datetime="{{machine}}">{{.}}</time>{{/day}}</dd>
        {{/facts}}</dl>
        </section>
        {{#pay}}
        <form method="post" class="card stack" aria-label="Payment">
        <input type="hidden" name="token" value="{{token}}">
        <button class="button main full" name="action" value="pay">{{label}}</button>
        </form>
        {{/pay}}
        </div>
        {{/content}}{{/frame}}
        """
    ])
}
