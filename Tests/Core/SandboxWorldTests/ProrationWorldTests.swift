import BusCore
import TestSupport
import Testing

@testable import SandboxWorld

/// What a change in the middle of a period costs, to the cent.
@Suite(.timeLimit(.minutes(5))) struct ProrationWorldTests {
    /// A subscription of 20.00 a month, and a price of 90.00; ten days of 31 have passed.
    private static func begun(_ hand: inout WorldHand) throws -> (
        id: String, customer: String, item: String, big: String
    ) {
        let plan = try hand.sellPlan()
        let big =
            try hand.call(
                .post, "/v1/prices", "product=pro&currency=eur&unit_amount=9000&recurring[interval]=month")["id"]?.text
            ?? ""
        let (id, customer) = try hand.subscribe(plan.base)
        hand.advance(days: 10)
        _ = hand.takeTypes()
        let object = try hand.call(.get, "/v1/subscriptions/\(id)")
        let item = object["items"]?["data"]?.elements?.first?["id"]?.text ?? ""
        return (id, customer, item, big)
    }

    private static func invoices(_ hand: inout WorldHand) throws -> [JSONValue] {
        try hand.call(.get, "/v1/invoices", "limit=100")["data"]?.elements ?? []
    }

    @Test("credits and charges wait for the renewal, which shows them as prorations")
    func create() throws {
        var hand = WorldHand()
        let (id, customer, item, big) = try Self.begun(&hand)
        try hand.call(.post, "/v1/subscriptions/\(id)", "items[0][id]=\(item)&items[0][price]=\(big)")
        #expect(
            hand.takeTypes() == ["invoiceitem.created", "invoiceitem.created", "customer.subscription.updated"])
        let waiting = try hand.call(.get, "/v1/invoiceitems", "customer=\(customer)&pending=true")["data"]?.elements
        // 21 of 31 days: 1354.84 and 6096.77.
        #expect(waiting?.map { $0["amount"]?.integer } == [6_097, -1_355])
        #expect(waiting?.allSatisfy { $0["proration"] == true && $0["invoice"] == nil } == true)
        hand.advance(days: 22)
        let renewal = try #require(try Self.invoices(&hand).first)
        #expect(renewal["total"]?.integer == 9_000 + 6_097 - 1_355 && renewal["status"] == "paid")
        let lines = try #require(renewal["lines"]?["data"]?.elements)
        #expect(lines.map { $0["amount"]?.integer } == [-1_355, 6_097, 9_000])
        let details = lines.map { $0["parent"]?["subscription_item_details"] }
        #expect(details.map { $0?["proration"] } == [true, true, false])
        #expect(details[0]?["invoice_item"]?.text == waiting?.last?["id"]?.text)
        #expect(lines[0]["description"] == "Unused time on Pro" && lines[1]["description"] == "Remaining time on Pro")
        #expect(lines[0]["period"]?["start"]?.integer == WorldHand.start.seconds + 10 * 86_400)
        let pending = try hand.call(.get, "/v1/invoiceitems", "pending=true")
        #expect(pending["data"] == [])
        let old = try hand.event("invoice.paid", version: APIVersion("2023-10-16") ?? .current)["data"]?["object"]
        #expect(old?["lines"]?["data"]?.elements?.map { $0["proration"] } == [true, true, false])
    }

    @Test("always_invoice invoices the difference at once, and none costs nothing", arguments: [true, false])
    func atOnceOrNever(_ atOnce: Bool) throws {
        var hand = WorldHand()
        let (id, _, item, big) = try Self.begun(&hand)
        let behavior = atOnce ? "always_invoice" : "none"
        try hand.call(
            .post, "/v1/subscriptions/\(id)",
            "items[0][id]=\(item)&items[0][price]=\(big)&proration_behavior=\(behavior)")
        let newest = try #require(try Self.invoices(&hand).first)
        let latest = try hand.call(.get, "/v1/subscriptions/\(id)")["latest_invoice"]
        if atOnce {
            #expect(newest["total"]?.integer == 6_097 - 1_355 && newest["status"] == "paid")
            #expect(newest["billing_reason"] == "subscription_update" && latest == newest["id"])
            #expect(hand.events.count { $0.type == "customer.subscription.updated" } == 1)
        } else {
            #expect(newest["total"]?.integer == 2_000)
            #expect(hand.takeTypes() == ["customer.subscription.updated"])
        }
        hand.advance(days: 22)
        #expect(try Self.invoices(&hand).first?["total"]?.integer == 9_000)
    }

    @Test("an invoice below zero becomes a credit, which pays the next invoices")
    func credit() throws {
        var hand = WorldHand()
        let (id, customer, item, big) = try Self.begun(&hand)
        let base = try hand.call(.get, "/v1/subscriptions/\(id)")["items"]?["data"]?.elements?.first?["price"]
        let rest = "&proration_behavior=none"
        try hand.call(.post, "/v1/subscriptions/\(id)", "items[0][id]=\(item)&items[0][price]=\(big)\(rest)")
        try hand.call(
            .post, "/v1/subscriptions/\(id)",
            "items[0][id]=\(item)&items[0][price]=\(base?["id"]?.text ?? "")&proration_behavior=always_invoice")
        let invoice = try #require(try Self.invoices(&hand).first)
        #expect(invoice["total"]?.integer == 1_355 - 6_097 && invoice["amount_due"]?.integer == 0)
        #expect(invoice["status"] == "paid" && invoice["ending_balance"]?.integer == -4_742)
        #expect(try hand.call(.get, "/v1/customers/\(customer)")["balance"]?.integer == -4_742)
        var balances: [Int64?] = []
        var due: [Int64?] = []
        for _ in 0..<3 {
            hand.advance(days: 31)
            balances.append(try hand.call(.get, "/v1/customers/\(customer)")["balance"]?.integer)
            due.append(try Self.invoices(&hand).first?["amount_paid"]?.integer)
        }
        #expect(balances == [-2_742, -742, 0] && due == [0, 0, 1_258])
    }

    @Test("another interval credits the unused time on the invoice of the new period")
    func interval() throws {
        for (behavior, credit) in [("create_prorations", -1_355 as Int64), ("none", 0)] {
            var hand = WorldHand()
            let (id, _, item, _) = try Self.begun(&hand)
            let year =
                try hand.call(
                    .post, "/v1/prices", "product=pro&currency=eur&unit_amount=20000&recurring[interval]=year")["id"]?
                .text ?? ""
            try hand.call(
                .post, "/v1/subscriptions/\(id)",
                "items[0][id]=\(item)&items[0][price]=\(year)&proration_behavior=\(behavior)")
            let invoice = try #require(try Self.invoices(&hand).first)
            #expect(invoice["total"]?.integer == 20_000 + credit && invoice["status"] == "paid", "\(behavior)")
        }
    }

    @Test("the portal prorates as its configuration says, also an end at once")
    func portal() throws {
        for (behavior, total) in [("always_invoice", 4_742 as Int64), ("none", 2_000)] {
            var hand = WorldHand()
            let (id, customer, _, big) = try Self.begun(&hand)
            let setup =
                try hand.call(
                    .post, "/v1/billing_portal/configurations",
                    "features[subscription_update][enabled]=true&features[subscription_update][products][0][product]=pro"
                        + "&features[subscription_update][products][0][prices][0]=\(big)"
                        + "&features[subscription_update][proration_behavior]=\(behavior)"
                        + "&features[subscription_cancel][enabled]=true&features[subscription_cancel][mode]=immediately"
                        + "&features[subscription_cancel][proration_behavior]=create_prorations")["id"]?.text ?? ""
            let visit =
                try hand.call(
                    .post, "/v1/billing_portal/sessions",
                    "customer=\(customer)&return_url=https://a.example&configuration=\(setup)")["id"]?.text ?? ""
            try hand.act(.changePlan(subscription: id, price: big), on: visit)
            #expect(try Self.invoices(&hand).first?["total"]?.integer == total, "\(behavior)")
            try hand.act(.cancelNow(subscription: id), on: visit)
            let waiting = try hand.call(.get, "/v1/invoiceitems", "pending=true")["data"]?.elements
            #expect(waiting?.map { $0["amount"]?.integer } == [-6_097])
        }
    }

    @Test("an end by a call credits and invoices where it asks so")
    func end() throws {
        for (form, total) in [("prorate=true&invoice_now=true", -1_355 as Int64), ("invoice_now=true", 2_000)] {
            var hand = WorldHand()
            let (id, customer, _, _) = try Self.begun(&hand)
            #expect(try hand.call(.delete, "/v1/subscriptions/\(id)", form)["status"] == "canceled")
            #expect(try Self.invoices(&hand).first?["total"]?.integer == total, "\(form)")
            #expect(try hand.call(.get, "/v1/customers/\(customer)")["balance"]?.integer == min(total, 0))
        }
    }

    @Test func aDateMayBeGivenWithinThePeriod() throws {
        var hand = WorldHand()
        let (id, _, item, big) = try Self.begun(&hand)
        let form = "items[0][id]=\(item)&items[0][price]=\(big)&proration_date="
        for wrong in [WorldHand.start.seconds - 1, hand.now.seconds + 1] {
            #expect(try hand.refusal(.post, "/v1/subscriptions/\(id)", form + "\(wrong)")["param"] == "proration_date")
        }
        try hand.call(.post, "/v1/subscriptions/\(id)", form + "\(WorldHand.start.seconds)")
        let waiting = try hand.call(.get, "/v1/invoiceitems", "pending=true")["data"]?.elements
        #expect(waiting?.map { $0["amount"]?.integer } == [9_000, -2_000], "as if it had always been so")
    }

    // MARK: Any changes

    private static let seeds = (0..<UInt64(PropertySettings.rounds(20, proof: 1_000))).map {
        PropertySettings.seed &+ $0
    }

    @Test("any changes within a period cost what each price costs for its seconds, but for rounding", arguments: seeds)
    func sums(_ seed: UInt64) throws {
        var numbers = SeededNumbers(seed: seed)
        func below(_ count: Int64) -> Int64 { Int64(numbers.next() % UInt64(count)) }
        var hand = WorldHand(seed: seed)
        try hand.call(.post, "/v1/products", "id=pro&name=Pro")
        var amounts: [String: Int64] = [:]
        for _ in 0..<4 {
            let amount = 1 + below(100_000)
            let price = try hand.call(
                .post, "/v1/prices", "product=pro&currency=eur&unit_amount=\(amount)&recurring[interval]=month")
            amounts[price["id"]?.text ?? ""] = amount
        }
        let prices = amounts.keys.sorted()
        let (id, _) = try hand.subscribe(prices[0])
        let first = try hand.call(.get, "/v1/subscriptions/\(id)")["items"]?["data"]?.elements?.first
        let item = first?["id"]?.text ?? ""
        let end = first?["current_period_end"]?.integer ?? 0
        let all = end - WorldHand.start.seconds
        var cost = amounts[prices[0]] ?? 0
        // So many minor units times the seconds of the period, which is exact.
        var exact: Int128 = 0
        let changes = 1 + Int(below(30))
        for _ in 0..<changes {
            hand.advance(seconds: below((end - hand.now.seconds) / 4))
            let price = prices[Int(below(4))]
            let quantity = 1 + below(20)
            let behavior = below(3) == 0 ? "always_invoice" : "create_prorations"
            try hand.call(
                .post, "/v1/subscriptions/\(id)",
                "items[0][id]=\(item)&items[0][price]=\(price)&items[0][quantity]=\(quantity)"
                    + "&proration_behavior=\(behavior)")
            let next = (amounts[price] ?? 0) * quantity
            exact += Int128(next - cost) * Int128(end - hand.now.seconds)
            cost = next
        }
        let lines = hand.events.filter { $0.type == "invoiceitem.created" }.map(\.object)
        let prorated = lines.compactMap { $0["amount"]?.integer }
        for (line, amount) in zip(lines, prorated) {
            let whole =
                (amounts[line["pricing"]?["price_details"]?["price"]?.text ?? ""] ?? 0)
                * (line["quantity"]?.integer ?? 0)
            let share = Int128(whole) * Int128(end - (line["period"]?["start"]?.integer ?? 0))
            #expect((Int128(abs(amount)) * Int128(all) - share).magnitude * 2 <= UInt128(all), "seed \(seed)")
        }
        let sum = prorated.reduce(0, +)
        let off = (Int128(sum) * Int128(all) - exact).magnitude
        #expect(off * 2 <= UInt128(all) * UInt128(prorated.count), "seed \(seed): \(sum), \(prorated.count) lines")
        // Every one of them is on an invoice in the end, and none twice.
        hand.advance(seconds: end - hand.now.seconds + 7_200)
        let invoiced = try Self.invoices(&hand).reduce(0) { $0 + ($1["total"]?.integer ?? 0) }
        #expect(invoiced == (amounts[prices[0]] ?? 0) + sum + cost, "seed \(seed)")
    }
}
