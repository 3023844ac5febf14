import BillingCore
import BusCore
import TestSupport
import Testing

@Suite("Secrets in a catalog")
struct CatalogSecretTests {
    /// Made at run time, so that no file holds what a scanner would take for a key.
    static let canaries = [
        "sk_" + "live_CANARY0123456789", "sk_" + "test_CANARY", "rk_" + "test_CANARY0123456789",
        "rkcs_" + "test_CANARY", "sk_" + "org_CANARY0123456789", "whsec" + "_CANARY0123456789",
        "price=sk_" + "live_CANARY0123456789", "xsk_" + "live_CANARY0123456789", "see whsec" + "_CANARY, please",
        "Bearer " + "CANARY0123456789", "bearer " + "CANARY0123456789", "ey" + "JCANARY0123456789.ey" + "J.x",
        "postgres:" + "//user:CANARY@db", "amqps:" + "//user:CANARY:x@queue.example:1/x", "(https:" + "//a:CANARY@h)",
    ]

    /// Every place of a document: its members and elements at any depth.
    private func places(_ value: JSONValue, _ path: String = "") -> [String] {
        let below: [(String, JSONValue)]
        switch value {
        case .array(let elements): below = elements.enumerated().map { (String($0.offset), $0.element) }
        case .object(let members): below = members.sorted { $0.key < $1.key }
        default: below = []
        }
        return below.flatMap { step, value -> [String] in
            let place = path.isEmpty ? step : "\(path).\(step)"
            return [place] + places(value, place)
        }
    }

    private func check(_ canary: String, at place: String, of template: JSONValue) {
        for mode in [Catalog.UnknownMembers.keep, .refuse] {
            let problems = CatalogFixtures.problems(template.edited(.set(place, .string(canary))), mode)
            let path = place.split(separator: ".").reduce("$") { $0 + (Int($1) == nil ? ".\($1)" : "[\($1)]") }
            let found = problems.filter { $0.hasPrefix("catalog: \(path): looks like a secret; remove it") }
            #expect(found.count == 1, "\(place): \(problems)")
            #expect(!problems.joined().contains("CANARY"), "\(place)")
            if mode == .keep { #expect(problems.count == 1, "\(place): \(problems)") }
        }
    }

    @Test("one at any place is refused there, once, and never shown")
    func everyPlace() throws {
        let template = try CatalogFixtures.template().edited(
            .set("comment", ["deep": [["down": "x"]]]), .set("prices.3", CatalogRuleTests.metered))
        let all = places(template)
        let canaries = CatalogSecretTests.canaries.prefix(PropertySettings.rounds(1, proof: .max))
        for canary in canaries {
            for place in all { check(canary, at: place, of: template) }
        }
    }

    @Test("every kind is known", arguments: canaries)
    func everyKind(canary: String) throws {
        let template = try CatalogFixtures.template()
        for place in ["version", "products.0.name", "plans.0.features.0", "comment"] {
            check(canary, at: place, of: template)
        }
    }

    @Test("one in a member's name is refused and not shown", arguments: canaries)
    func names(canary: String) throws {
        guard case .object(var members) = try CatalogFixtures.template() else { return }
        members[canary] = 1
        for mode in [Catalog.UnknownMembers.keep, .refuse] {
            let problems = CatalogFixtures.problems(.object(members), mode)
            #expect(problems.count == 1 && problems[0].hasPrefix("catalog: $[\"…\"]: the member's name looks like"))
            #expect(!problems.joined().contains("CANARY"))
        }
    }

    @Test(
        "words that only resemble one are left alone",
        arguments: [
            "bus_task_runs", "desk_live_view", "disk_test_eur_month", "work_item", "The bearer of this",
            "Bearer tokens",
            "theyJust", "https://example.com:8080/a@b", "a://b@c", "10:30", "newhsec",
        ])
    func harmless(text: String) throws {
        let body = try CatalogFixtures.template().edited(.set("products.0.description", .string(text)))
        #expect(CatalogFixtures.problems(body) == [])
    }

    @Test("a foreign text is shown short, on one line")
    func shownText() throws {
        let text = "month\n\u{1B}[31m\"" + String(repeating: "x", count: 100)
        let problems = CatalogFixtures.problems(
            try CatalogFixtures.template().edited(.set("prices.0.interval", .string(text))))
        let shown = "month??[31m?" + String(repeating: "x", count: 48) + "…"
        #expect(problems == ["catalog: $.prices[0].interval: \"\(shown)\" is unknown; use day, week, month, year"])
    }
}
