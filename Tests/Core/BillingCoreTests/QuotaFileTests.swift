import BillingCore
import BusCore
import Testing

@Suite("Quota file")
struct QuotaFileTests {
    private func problems(_ text: String) -> [String] {
        do {
            _ = try QuotaFile(parsing: Array(text.utf8))
            return []
        } catch {
            return error.problems.map(\.description)
        }
    }

    @Test("quotas are read by plan; other members are left alone")
    func reads() throws {
        let file = try QuotaFile(
            parsing: Array(
                #"""
                {"owner":"ops","plans":[{"id":"a","colour":1,"quotas":[{"feature":"llm:proxy","window":"Lifetime",
                 "meter_event_name":"bus_llm_tokens","limit":10.0,"upgrade_plan_id":"elsewhere","note":null}]},{"id":"b"}]}
                """#.utf8))
        #expect(
            file.quotas == [
                "a": [
                    Quota(
                        feature: "llm:proxy", meterEventName: "bus_llm_tokens", window: .total, limit: 10,
                        upgradePlanID: "elsewhere")
                ],
                "b": [],
            ])
    }

    @Test("a catalog is a quota file and gives the quotas it has")
    func catalog() throws {
        let bytes = Array(CatalogTemplate.text.utf8)
        let catalog = try Catalog(parsing: bytes, unknownMembers: .refuse)
        let expected = Dictionary(uniqueKeysWithValues: catalog.plans.map { ($0.id, $0.quotas) })
        #expect(try QuotaFile(parsing: bytes).quotas == expected)
    }

    @Test("everything that is wrong is told at once")
    func faults() {
        #expect(
            problems(
                #"""
                {"plans":[{"id":"a","quotas":[
                  {"feature":"f","meter_event_name":"m","window":"day","limit":0},
                  {"feature":"f","meter_event_name":"m","window":"daily","limit":5},
                  {"feature":"f","meter_event_name":"m","window":"wek","limit":-1}]},
                 {"quotas":{}},{"id":"a"}]}
                """#) == [
                    "quotas: $.plans[0].quotas[0].limit: is out of range or no whole number; "
                        + "write a whole number from 1 to 9007199254740991",
                    "quotas: $.plans[0].quotas[1]: has the feature, meter and window of $.plans[0].quotas[0]; "
                        + "keep one of the two",
                    "quotas: $.plans[0].quotas[2].window: \"wek\" is unknown; did you mean \"week\"?",
                    "quotas: $.plans[0].quotas[2].limit: is out of range or no whole number; "
                        + "write a whole number from 1 to 9007199254740991",
                    "quotas: $.plans[1].id: is missing; write the id of the plan that is limited",
                    "quotas: $.plans[1].quotas: is an object; write an array",
                    "quotas: $.plans[2].id: \"a\" already names $.plans[0]; give each plan its own",
                ])
        #expect(problems("{}") == ["quotas: $.plans: is missing; write an array of {\"id\": …, \"quotas\": […]}"])
        #expect(problems("{") == ["quotas: $: is not JSON at byte 1; correct it there or just before"])
    }
}
