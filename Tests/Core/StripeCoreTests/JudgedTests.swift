import BillingCore
import BusContract
import BusCore
import StripeCore
import TestSupport
import Testing

private let account = "6c0e7f6a-0000-4000-8000-000000000001"

/// One odd header; its name is what `docs/webhook-signatures.md` calls it when the two verdicts differ.
private struct OddHeader {
    let name: String
    let header: String
    var now = signedAt
}

private let body = Array(#"{"id":"evt_1","object":"event","type":"x","created":1785600000,"text":"Zażółć ☕"}"#.utf8)

private func oddHeaders() -> [OddHeader] {
    func code(_ time: String) -> String { StripeSigner.code(body, time: time, secret: secretOne) }
    let good = code("1785600005")
    let bad = code("1")
    let many = String(repeating: "v1=\(bad),", count: Limits.signatureCandidatesMax)
    return [
        OddHeader(name: "plain", header: "t=1785600005,v1=\(good)"),
        OddHeader(name: "empty", header: ""),
        OddHeader(name: "v1-before-t", header: "v1=\(good),t=1785600005"),
        OddHeader(name: "no-t", header: "v1=\(good)"),
        OddHeader(name: "empty-t", header: "t=,v1=\(good)"),
        OddHeader(name: "t-not-a-number", header: "t=soon,v1=\(good)"),
        OddHeader(name: "two-equal-t", header: "t=1785600005,t=1785600005,v1=\(good)"),
        OddHeader(name: "two-t-second-signed", header: "t=1,t=1785600005,v1=\(good)"),
        OddHeader(name: "space-after-comma", header: "t=1785600005, v1=\(good)"),
        OddHeader(name: "space-before-comma", header: "t=1785600005 ,v1=\(good)"),
        OddHeader(name: "space-in-t", header: "t= 1785600005,v1=\(good)"),
        OddHeader(name: "space-in-v1", header: "t=1785600005,v1= \(good)"),
        OddHeader(name: "plus-in-t", header: "t=+1785600005,v1=\(good)"),
        OddHeader(name: "underscore-in-t", header: "t=1_785_600_005,v1=\(good)"),
        OddHeader(name: "leading-zero-in-t", header: "t=01785600005,v1=\(code("01785600005"))"),
        OddHeader(name: "leading-zero-not-signed", header: "t=01785600005,v1=\(good)"),
        OddHeader(name: "non-ascii-digits-in-t", header: "t=１７８５６００００５,v1=\(good)"),
        OddHeader(name: "t-with-fraction", header: "t=1785600005.5,v1=\(good)"),
        OddHeader(name: "element-without-equals", header: "t=1785600005,junk,v1=\(good)"),
        OddHeader(name: "two-equals-in-t", header: "t=1785600005=1,v1=\(good)"),
        OddHeader(name: "two-equals-in-v1", header: "t=1785600005,v1=\(good)=1"),
        OddHeader(name: "trailing-comma", header: "t=1785600005,v1=\(good),"),
        OddHeader(name: "leading-comma", header: ",t=1785600005,v1=\(good)"),
        OddHeader(name: "only-v0", header: "t=1785600005,v0=\(good)"),
        OddHeader(name: "no-signature", header: "t=1785600005"),
        OddHeader(name: "bad-then-good-v1", header: "t=1785600005,v1=\(bad),v1=\(good)"),
        OddHeader(name: "good-then-bad-v1", header: "t=1785600005,v1=\(good),v1=\(bad)"),
        OddHeader(name: "upper-case-hex", header: "t=1785600005,v1=\(good.uppercased())"),
        OddHeader(name: "upper-case-key", header: "t=1785600005,V1=\(good)"),
        OddHeader(name: "non-ascii-v1-then-good", header: "t=1785600005,v1=☕,v1=\(good)"),
        OddHeader(name: "short-v1", header: "t=1785600005,v1=\(good.dropLast())"),
        OddHeader(name: "long-v1", header: "t=1785600005,v1=\(good)0"),
        OddHeader(name: "wrong-v1", header: "t=1785600005,v1=\(bad)"),
        OddHeader(name: "semicolons", header: "t=1785600005;v1=\(good)"),
        OddHeader(name: "too-many-v1", header: "\(many)t=1785600005,v1=\(good)"),
        OddHeader(name: "too-long", header: "t=1785600005,v1=\(good),x=\(String(repeating: "x", count: 5_000))"),
        OddHeader(name: "old-within", header: "t=1785600005,v1=\(good)", now: signedAt + 300),
        OddHeader(name: "old-beyond", header: "t=1785600005,v1=\(good)", now: signedAt + 301),
        OddHeader(name: "future-within", header: "t=1785600005,v1=\(good)", now: signedAt - 300),
        OddHeader(name: "future-beyond", header: "t=1785600005,v1=\(good)", now: signedAt - 301),
        OddHeader(name: "negative-t", header: "t=-5,v1=\(code("-5"))"),
        OddHeader(name: "huge-t", header: "t=99999999999999999999,v1=\(code("99999999999999999999"))"),
    ]
}

struct JudgedTests {
    @Test("the official package signs as we do")
    func signatures() async throws {
        var random = SeededGenerator(seed: PropertySettings.seed)
        let letters = Array("{}\":,ab1 \n☕é")
        let bodies = (0..<PropertySettings.rounds(30, proof: 1_000)).map { _ in
            Array(
                String(
                    (0..<Int.random(in: 0...60, using: &random)).map { _ in
                        letters[Int.random(in: letters.indices, using: &random)]
                    }
                ).utf8)
        }
        let lines = bodies.map { #"{"body_hex":"\#(hexText($0))","secret":"\#(secretOne)","time":\#(signedAt)}"# }
        let codes = try await Judge.run("sign", lines: lines)
        #expect(codes.count == bodies.count)
        for (body, code) in zip(bodies, codes) {
            #expect(verdict(body, "t=\(signedAt),v1=\(code)") == nil)
        }
    }

    @Test("our verdicts are the official package's, except where docs/webhook-signatures.md says why not")
    func verdicts() async throws {
        let cases = oddHeaders()
        let lines = cases.map { odd in
            let line: JSONValue = [
                "header": .string(odd.header), "body_hex": .string(hexText(body)), "secret": .string(secretOne),
                "now": .integer(odd.now),
            ]
            return String(decoding: line.serialized(), as: UTF8.self)
        }
        let answers = try await Judge.run("verdicts", lines: lines)
        #expect(answers.count == cases.count)
        var differing: [String] = []
        for (odd, answer) in zip(cases, answers) {
            let isAccepted = try JSONValue(parsing: Array(answer.utf8))["accepted"] == true
            if isAccepted != (verdict(body, odd.header, now: odd.now) == nil) { differing.append(odd.name) }
        }
        let documented = try Repository.text("docs/webhook-signatures.md").split(separator: "\n")
            .filter { $0.hasPrefix("| `") }.compactMap { $0.split(separator: "`").dropFirst().first.map(String.init) }
        #expect(differing.sorted() == documented.sorted())
    }

    @Test("the official package knows every parameter we send, and its type")
    func forms() async throws {
        var calls: [(String, StripeCall)] = []
        for mode in ["subscription", "payment", "setup"] {
            for customer in [#""customer_id":"cus_1""#, #""email":"a@example.com""#] {
                let request = try checkout(
                    #"{"account_id":"\#(account)","mode":"\#(mode)","plan_id":"p","price_id":"price_1",\#(customer)}"#)
                calls.append(("checkout", request.call()))
            }
        }
        let portal = try PortalRequest(
            try ProviderPortalRequest(try json(#"{"account_id":"\#(account)","configuration_id":"bpc_1"}"#)),
            requestID: "r", settings: .test)
        calls.append(("portal", StripeForms.portal(portal, customerID: "cus_1", mode: .test)))
        let meter = try MeterRequest(
            try MeterEventRequest(
                try json(
                    #"{"account_id":"\#(account)","customer_id":"cus_1","meter":"m","quantity":1,"event_id":"e","timestamp":9}"#
                )), mode: .test, now: Timestamp(clampingSeconds: 10))
        calls.append(("meter", StripeForms.meterEvent(meter)))
        for call in StripeForms.prices(lookupKeys: ["a", "b"]) { calls.append(("prices", call)) }
        let guest = try checkout(#"{"account_id":"\#(account)","mode":"payment","price_id":"price_1"}"#).call()
        #expect(guest.form["customer_creation"] == "always")
        calls.append(("checkout", guest))
        calls.append(("customer_search", StripeForms.customerSearch(accountID: account)))
        calls.append(("customer_create", StripeForms.newCustomer(accountID: account, after: nil, mode: .test)))
        calls.append(("customer_update", StripeForms.customerEmail("a@example.com", of: "cus_1", mode: .test)))
        calls += try catalogCalls()
        let lines = calls.map { name, call in #"{"call":"\#(name)","form":"\#(call.form.encoded())"}"# }
        // The last line is wrong on purpose: a judge that never objects is none.
        let answers = try await Judge.run("check_forms", lines: lines + [#"{"call":"meter","form":"bogus=1"}"#])
        #expect(answers.count == lines.count + 1)
        for (line, answer) in zip(lines, answers) { #expect(answer == #"{"faults": []}"#, "\(line)") }
        #expect(answers.last?.contains("unknown parameter") == true)
    }
}

/// Every form of a catalog sync: a first one, then one that changes everything that can change.
private func catalogCalls() throws -> [(String, StripeCall)] {
    var world = WorldHand()
    var calls: [(String, StripeCall)] = [
        ("meter_list", CatalogForms.page(.meters, status: "inactive", after: "mtr_1")),
        ("product_list", CatalogForms.page(.products, after: "prod_1")),
        ("prices", CatalogForms.page(.prices, after: nil)),
        ("portal_list", CatalogForms.page(.portals, after: "bpc_1")),
    ]
    func name(_ write: CatalogSyncStep.Write) -> String? {
        switch write {
        case .createMeter: "meter_create"
        case .renameMeter: "meter_update"
        case .reactivateMeter: "meter_reactivate"
        case .createProduct: "product_create"
        case .updateProduct: "product_update"
        case .createPrice: "price_create"
        case .updatePrice: "price_update"
        // The package's type leaves out that an empty default price takes it away.
        case .setDefaultPrice(_, let price): price == nil ? nil : "product_update"
        }
    }
    func sync(_ catalog: Catalog) throws {
        var run = CatalogSyncRun(try world.plan(catalog, prune: true), run: "1")
        while let step = run.step {
            let call = try run.call(for: step)
            if let name = name(step.write) { calls.append((name, call)) }
            run.finish(step, id: try world.carryOut(call).id)
        }
    }
    try sync(smallCatalog(product: ["description": "Größe & mehr"]))
    let (month, usage) = (try world.id(WorldHand.prices), try world.id(WorldHand.prices, 1))
    let meter = try world.id(WorldHand.meters)
    try world.post("/v1/products/\(world.id(WorldHand.products))", "default_price=\(month)")
    try world.post("/v1/billing/meters/\(meter)/deactivate")
    try world.post("/v1/billing/meters/\(meter)", "display_name=X")
    try world.post("/v1/prices/\(usage)", "lookup_key=x")
    try world.post(
        "/v1/prices/\(month)", "tax_behavior=exclusive&metadata[team]=a&currency_options[gbp][unit_amount]=9")
    try sync(smallCatalog(amount: 5, product: ["name": "New"]))
    try sync(
        smallCatalog(
            amount: 5, product: ["name": "New"],
            extras: [
                "nickname": "Größe", "currency_options": ["gbp": ["unit_amount": 9], "jpy": ["unit_amount": 0]],
            ]))
    let created = calls.filter { $0.0 == "price_create" }.map { $0.1.form }
    #expect(created.contains { $0["tax_behavior"] == "exclusive" && $0["metadata[team]"] == "a" })
    #expect(calls.last?.1.form["currency_options[jpy][unit_amount]"] == "0")
    #expect(Set(calls.map(\.0)).count == 11)
    return calls
}
