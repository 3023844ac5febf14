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
