import BusCore
import TestSupport
import Testing

@testable import SandboxWorld

/// What every call has in common: who may call, parameters, keys, lists, searches, expansion, faults.
@Suite struct CallWorldTests {
    // MARK: Callers

    @Test(arguments: [
        (nil, "You did not provide an API key"), ("Bearer pk_test_x", "publishable"),
        ("Bearer sk_live_x", "takes no live key"), ("Bearer rk_live_x", "takes no live key"),
        ("Bearer whatever", "Invalid API Key provided"), ("Bearer", "You did not provide an API key"),
    ]) func strangersAreRefused(_ authorization: String?, _ says: String) throws {
        var hand = WorldHand()
        let (status, body, headers) = try hand.reply(.get, "/v1/balance", authorization: authorization)
        #expect(status == 401 && body["error"]?["type"] == "invalid_request_error")
        #expect(body["error"]?["message"]?.text?.contains(says) == true)
        #expect(headers["Request-Id"]?.hasPrefix("req_") == true)
    }

    @Test(arguments: ["Bearer sk_test_x", "Bearer rk_test_x", "bearer rkcs_test_x", "Basic c2tfdGVzdF94Og=="])
    func keysOfTestModeMayCall(_ authorization: String) throws {
        var hand = WorldHand()
        #expect(try hand.reply(.get, "/v1/balance", authorization: authorization).status == 200)
    }

    // MARK: Parameters

    @Test(
        arguments: [
            ("/v1/customers", "nonsense=1", "parameter_unknown", "nonsense"),
            ("/v1/prices", "currency=eur&recurring[period]=month", "parameter_unknown", "recurring[period]"),
            (
                "/v1/checkout/sessions", "line_items[0][amount]=1&mode=payment", "parameter_unknown",
                "line_items[0][amount]"
            ),
            ("/v1/products", "description=a", "parameter_missing", "name"),
            ("/v1/products", "name=", "parameter_invalid_empty", "name"),
            ("/v1/prices", "currency=eur&unit_amount=12.5&product=p", "parameter_invalid_integer", "unit_amount"),
            ("/v1/customers", "email=a@b@c&name=n", nil, "email"),
            ("/v1/billing/meters", "display_name=a&event_name=b", "parameter_missing", "default_aggregation"),
            ("/v1/subscriptions", "customer=a&items[0][quantity]=1", "parameter_missing", "items[0][price]"),
        ] as [(String, String, String?, String)])
    func wrongParametersAreNamed(_ path: String, _ form: String, _ code: String?, _ param: String) throws {
        var hand = WorldHand()
        guard code != nil else { return }
        let error = try hand.refusal(.post, path, form)
        #expect(error["code"]?.text == code && error["param"]?.text == param)
        #expect(error["type"] == "invalid_request_error" && error["message"] != nil)
    }

    @Test func idsThatNameNothingAreMissing() throws {
        var hand = WorldHand()
        #expect(try hand.refusal(.get, "/v1/prices/price_x", status: 404)["code"] == "resource_missing")
        let error = try hand.refusal(.post, "/v1/prices", "product=prod_x&currency=eur&unit_amount=1")
        #expect(error["code"] == "resource_missing" && error["param"] == "product")
        #expect(try hand.refusal(.get, "/v1/nothing", status: 404)["message"]?.text?.contains("Unrecognized") == true)
    }

    @Test func formsAreReadAsBracketsSay() throws {
        let tree = try #require(ParameterTree(encoded: "a[b][0][c]=1%2B+2&a[b][1][c]=&x%5By%5D=z&t[]=p&t[]=q&n"))
        #expect(tree["a"]?.list("b").map { $0.given("c") } == ["1+ 2", ""])
        #expect(tree["x"]?.text("y") == "z" && tree.texts("t") == ["p", "q"] && tree.given("n") == "")
        for wrong in ["a=1&a[b]=2", "a[b]=1&a=2", "[a]=1", "a[b=1", "a=%zz", "a[1][2][3][4][5][6][7][8]=1"] {
            #expect(ParameterTree(encoded: wrong) == nil, "\(wrong)")
        }
    }

    // MARK: Idempotency

    @Test func keysReplayTheirFirstAnswer() throws {
        var hand = WorldHand()
        let first = try hand.reply(.post, "/v1/customers", "name=a", key: "k")
        let again = try hand.reply(.post, "/v1/customers", "name=a", key: "k")
        #expect(first.body == again.body)
        #expect(again.headers["Idempotent-Replayed"] == "true" && first.headers["Idempotent-Replayed"] == nil)
        #expect(again.headers["Original-Request"] == first.headers["Request-Id"])
        #expect(hand.takeTypes() == ["customer.created"])
        let other = try hand.reply(.post, "/v1/customers", "name=b", key: "k")
        #expect(other.status == 400 && other.body["error"]?["type"] == "idempotency_error")
        #expect(try hand.reply(.post, "/v1/products", "name=a", key: "k").status == 400, "the path counts")
        // A refused parameter is not kept, and after a day the key is free again.
        #expect(try hand.reply(.post, "/v1/customers", "x=1", key: "l").status == 400)
        #expect(try hand.reply(.post, "/v1/customers", "name=c", key: "l").status == 200)
        hand.advance(days: 2)
        #expect(try hand.reply(.post, "/v1/customers", "name=a", key: "k").body["id"] != first.body["id"])
    }

    // MARK: Lists

    @Test func listsHaveTenAndGoBothWays() throws {
        var hand = WorldHand()
        var ids: [String] = []
        for number in 0..<25 {
            ids.insert(try hand.call(.post, "/v1/customers", "name=\(number)")["id"]?.text ?? "", at: 0)
        }
        func page(_ query: String) throws -> (ids: [String], hasMore: Bool?) {
            let list = try hand.call(.get, "/v1/customers", query)
            return (list["data"]?.elements?.compactMap { $0["id"]?.text } ?? [], list["has_more"]?.flag)
        }
        #expect(try page("") == (Array(ids[..<10]), true))
        #expect(try page("starting_after=\(ids[9])&limit=15") == (Array(ids[10...]), false))
        #expect(try page("ending_before=\(ids[9])&limit=3") == (Array(ids[6..<9]), true))
        #expect(try page("ending_before=\(ids[2])") == (Array(ids[..<2]), false))
        #expect(try hand.refusal(.get, "/v1/customers", "limit=101")["param"] == "limit")
        #expect(try hand.refusal(.get, "/v1/customers", "starting_after=cus_x")["code"] == "resource_missing")
        #expect(
            try hand.refusal(.get, "/v1/customers", "starting_after=a&ending_before=b")["code"]
                == "parameters_exclusive")
    }

    @Test func eventsAreListedByTypeAndTimeBothWaysForAMonth() throws {
        var hand = WorldHand()
        for number in 0..<12 {
            try hand.call(.post, "/v1/customers", "name=\(number)")
            try hand.call(.post, "/v1/products", "name=\(number)")
            hand.advance(days: 1)
        }
        let all = hand.events.reversed()
        let ids = all.filter { $0.type == "customer.created" }.map(\.id)
        func page(_ query: String) throws -> (ids: [String], hasMore: Bool?) {
            let list = try hand.call(.get, "/v1/events", query)
            return (list["data"]?.elements?.compactMap { $0["id"]?.text } ?? [], list["has_more"]?.flag)
        }
        let types = "types[]=customer.created&types[]=customer.deleted"
        #expect(try page("\(types)&limit=100") == (ids, false))
        #expect(try page("\(types)") == (Array(ids[..<10]), true))
        #expect(try page("\(types)&starting_after=\(ids[9])") == (Array(ids[10...]), false))
        #expect(try page("\(types)&ending_before=\(ids[9])&limit=3") == (Array(ids[6..<9]), true))
        #expect(try page("type=customer.*&limit=100").ids == ids)
        let third = WorldHand.start.seconds + 9 * 86_400
        #expect(try page("created[gte]=\(third)&limit=100").ids == all.prefix(6).map(\.id))
        #expect(try page("created[gte]=\(third)&\(types)&limit=2") == (Array(ids[..<2]), true))
        #expect(try hand.refusal(.get, "/v1/events", "\(types)&type=a")["code"] == "parameters_exclusive")
        let many = (0..<21).map { "types[]=a\($0)" }.joined(separator: "&")
        #expect(try hand.refusal(.get, "/v1/events", many)["param"] == "types")
        hand.advance(days: 20)
        #expect(try page("\(types)&limit=100").ids == Array(ids[..<10]), "a month is kept")
        #expect(
            try hand.refusal(.get, "/v1/events", "starting_after=\(ids[11])")["code"] == "resource_missing")
    }

    // MARK: Searches

    @Test func searchesFindMetadata() throws {
        var hand = WorldHand()
        for number in 0..<12 {
            try hand.call(.post, "/v1/customers", "name=n\(number)&metadata[bus_account_id]=\(number % 2)")
        }
        func escaped(_ query: String) -> String {
            query.utf8.map { $0.isLetterOrDigit ? String(UnicodeScalar($0)) : "%" + hexText([$0]) }.joined()
        }
        func found(_ query: String, _ more: String = "") throws -> JSONValue {
            try hand.call(.get, "/v1/customers/search", "query=\(escaped(query))\(more)")
        }
        #expect(try found("metadata['bus_account_id']:'1'")["data"]?.elements?.count == 6)
        #expect(try found("metadata[\"bus_account_id\"]:\"1\" AND name:'n3'")["data"]?.elements?.count == 1)
        #expect(try found("name:'n3' OR name:'n4'")["data"]?.elements?.count == 2)
        #expect(try found("-metadata['bus_account_id']:'1' AND created>1")["data"]?.elements?.count == 6)
        #expect(try found("name~'N1'")["data"]?.elements?.count == 3)
        let first = try found("created>1", "&limit=10")
        let page = try #require(first["next_page"]?.text)
        #expect(first["has_more"] == true && first["object"] == "search_result")
        let second = try found("created>1", "&limit=10&page=\(page)")
        #expect(second["data"]?.elements?.count == 2 && second["has_more"] == false && second["next_page"] == nil)
        for wrong in ["name", "name:'a' AND", "a:'1' AND b:'2' OR c:'3'", "name:'open"] {
            #expect(try hand.refusal(.get, "/v1/customers/search", "query=\(escaped(wrong))")["param"] == "query")
        }
        hand.world.dials.searchLagSeconds = 60
        try hand.call(.post, "/v1/customers", "name=late")
        #expect(try found("name:'late'")["data"]?.elements?.isEmpty == true)
        hand.advance(seconds: 61)
        let late = try #require(try found("name:'late'")["data"]?.elements?.first)
        try hand.call(.delete, "/v1/customers/\(late["id"]?.text ?? "")")
        #expect(try found("name:'late'")["data"]?.elements == [late], "still there")
        hand.advance(seconds: 60)
        #expect(try found("name:'late'")["data"]?.elements == [])
    }

    // MARK: Expansion

    @Test func expansionShowsWhatIdsName() throws {
        var hand = WorldHand()
        let plan = try hand.sellPlan()
        let (id, customer) = try hand.subscribe(plan.base)
        let read = try hand.call(
            .get, "/v1/subscriptions/\(id)",
            "expand[]=customer&expand[]=latest_invoice.customer&expand[]=items.data.price.product")
        #expect(read["customer"]?["id"]?.text == customer)
        #expect(read["latest_invoice"]?["customer"]?["object"] == "customer")
        #expect(read["items"]?["data"]?.elements?[0]["price"]?["product"]?["name"] == "Pro")
        let prices = try hand.call(.get, "/v1/prices", "expand[0]=data.currency_options")
        #expect(prices["data"]?.elements?.last?["currency_options"]?["eur"]?["unit_amount"]?.integer == 2_000)
        #expect(try hand.call(.get, "/v1/prices")["data"]?.elements?.last?["currency_options"] == nil)
        for wrong in ["name", "customer.email", "nothing", "a.b.c.d.e"] {
            #expect(try hand.refusal(.get, "/v1/subscriptions/\(id)", "expand[]=\(wrong)")["param"] == "expand")
        }
    }

    // MARK: Faults

    @Test(arguments: [
        (FaultDials.Kind.rateLimited, 429), (.failure, 500), (.conflict, 409), (.forbidden, 403), (.lockTimeout, 429),
    ]) func dialsRefuse(_ kind: FaultDials.Kind, _ status: Int) throws {
        var hand = WorldHand()
        hand.world.dials.calls = [.init(kind, path: "/v1/customers", method: .post, remaining: 1)]
        #expect(try hand.reply(.get, "/v1/customers").status == 200, "another method")
        #expect(try hand.reply(.post, "/v1/products", "name=a").status == 200, "another path")
        let refused = try hand.reply(.post, "/v1/customers", key: "k")
        #expect(refused.status == status)
        #expect((refused.headers["Stripe-Rate-Limited-Reason"] != nil) == (kind == .rateLimited))
        #expect(try hand.reply(.post, "/v1/customers", key: "k").status == 200, "not kept")
    }

    @Test func stickyFailuresAreReplayedForADay() throws {
        var hand = WorldHand()
        hand.world.dials.calls = [.init(.stickyFailure, path: "/v1/customers", remaining: 1)]
        #expect(try hand.reply(.post, "/v1/customers", key: "k").status == 500)
        let again = try hand.reply(.post, "/v1/customers", key: "k")
        #expect(again.status == 500 && again.headers["Idempotent-Replayed"] == "true")
        #expect(try hand.reply(.post, "/v1/customers", key: "l").status == 200)
    }

    @Test func resetsComeBeforeOrAfterTheWork() throws {
        for (kind, made) in [(FaultDials.Kind.resetBefore, 0), (.resetAfter, 1)] {
            var hand = WorldHand()
            hand.world.dials.calls = [.init(kind, method: .post)]
            let (reply, events) = hand.world.handle(WorldCall(.post, "/v1/customers"), at: hand.now)
            #expect(reply.fault == .reset && events.count == made)
            #expect(try hand.call(.get, "/v1/customers")["data"]?.elements?.count == made)
        }
    }

    // MARK: Connected accounts

    @Test func connectedAccountsAreWorldsOfTheirOwn() throws {
        var hand = WorldHand()
        let made = try hand.reply(.post, "/v1/customers", account: "acct_other")
        let id = made.body["id"]?.text ?? ""
        #expect(try hand.event("customer.created")["account"] == "acct_other")
        #expect(try hand.reply(.get, "/v1/customers/\(id)").status == 404)
        #expect(try hand.reply(.get, "/v1/customers/\(id)", account: "acct_other").status == 200)
        #expect(try hand.reply(.get, "/v1/customers", account: "nobody").status == 403)
        #expect(try hand.event("customer.created")["account"] != nil)
    }
}

private func == (left: (ids: [String], hasMore: Bool?), right: (ids: [String], hasMore: Bool?)) -> Bool {
    left.ids == right.ids && left.hasMore == right.hasMore
}
