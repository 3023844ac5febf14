import BusCore
import TestSupport
import Testing

/// A shop before an offline Stripe: a product with a monthly price and one for use.
struct Shop: Sendable {
    let bench: SandboxBench
    let base: String
    let use: String

    /// A name that tries to be markup, also with a neighbour that joins `<` and `"` into other characters.
    static let hostile = "<script>x</script>\"'&\u{0600}<i>\u{0301}\"\u{0301} onfocus=x <b>"
    /// The same in a form, short enough for every field.
    static let hostileForm = encoded(hostile)

    private static func encoded(_ text: String) -> String {
        text.utf8.map { "%" + String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    }

    init(_ bench: SandboxBench, name: String = "Pro") async throws {
        self.bench = bench
        let meter = try await bench.post(
            "/v1/billing/meters", "display_name=Tokens&event_name=tokens&default_aggregation[formula]=sum")["id"]?.text
        try await bench.post("/v1/products", "id=pro&unit_label=token&name=\(Self.encoded(name))")
        base =
            try await bench.post(
                "/v1/prices", "product=pro&currency=eur&unit_amount=2000&recurring[interval]=month")["id"]?.text ?? ""
        use =
            try await bench.post(
                "/v1/prices",
                "product=pro&currency=eur&unit_amount_decimal=0.5&recurring[interval]=month"
                    + "&recurring[usage_type]=metered&recurring[meter]=\(meter ?? "")")["id"]?.text ?? ""
    }

    /// An open session.
    func session(_ more: String = "", lines: [String]? = nil) async throws -> String {
        let items = (lines ?? [base]).enumerated().map { index, price in
            "&line_items[\(index)][price]=\(price)" + (price == use ? "" : "&line_items[\(index)][quantity]=1")
        }
        return try await bench.post(
            "/v1/checkout/sessions",
            "mode=subscription&success_url=https://a.example/ok?s={CHECKOUT_SESSION_ID}&cancel_url=https://a.example/cart"
                + items.joined() + more)["id"]?.text ?? ""
    }

    /// A paid subscription.
    func subscribe(email: String = "a@a.example") async throws -> (id: String, customer: String, session: String) {
        let session = try await session()
        #expect(try await bench.click(session, "action=pay&email=\(email)") == 303)
        let found = try await bench.list("/v1/checkout/sessions").first { $0["id"]?.text == session }
        return (found?["subscription"]?.text ?? "", found?["customer"]?.text ?? "", session)
    }
}

extension SandboxBench {
    func page(_ session: String) async throws -> LoopbackClient.Answer {
        try await client.get("/local/stripe/checkout/\(session)")
    }
}

extension LoopbackClient.Answer {
    /// The mark that a page gives its forms.
    var token: String { text.firstMatch(of: #/name="token" value="([0-9a-f]*)"/#).map { String($0.1) } ?? "" }
}

/// What is wrong with a page as a text.
enum Markup {
    private static let empty: Set<String> = ["meta", "link", "input"]

    /// Elements that are not closed in their order, attributes without quotes, fields without labels, ids that repeat.
    static func faults(in page: String) -> [String] {
        var faults = page.hasPrefix("<!DOCTYPE html>") ? [] : ["it has no type"]
        var open: [String] = []
        var ids: [String] = []
        var labelled: Set<String> = []
        var fields: [String] = []
        for tag in page.dropFirst(15).matches(of: #/<([^>]*)>/#).map({ String($0.1) }) {
            guard let match = tag.wholeMatch(of: #/(\/?)([a-z1-6]+)((?: [a-z\-]+(?:="[^"<]*")?)*)/#) else {
                faults.append("malformed: \(tag)")
                continue
            }
            let name = String(match.2)
            let attributes = Dictionary(
                match.3.matches(of: #/ ([a-z\-]+)(?:="([^"]*)")?/#).map { (String($0.1), String($0.2 ?? "")) }
            ) { $1 }
            if !match.1.isEmpty {
                if open.popLast() != name { faults.append("closed too early or late: \(name)") }
            } else if !empty.contains(name) {
                open.append(name)
            }
            attributes["id"].map { ids.append($0) }
            if name == "label" { labelled.insert(attributes["for"] ?? "") }
            if ["input", "select"].contains(name), attributes["type"] != "hidden" {
                fields.append(attributes["id"] ?? "")
            }
            for (attribute, value) in attributes where attribute == "href" && !value.hasPrefix("/local/stripe/") {
                if value.wholeMatch(of: #/https?:\/\/[^\s"<>]+/#) == nil { faults.append("leads to \(value)") }
            }
        }
        if !open.isEmpty { faults.append("not closed: \(open)") }
        if Set(ids).count < ids.count { faults.append("ids repeat: \(ids)") }
        faults += fields.filter { !labelled.contains($0) }.map { "no label: \($0)" }
        return faults
    }
}
