import BillingCore
import BusContract
import BusCore
import TestSupport
import Testing

@Suite("Plans and features")
struct PlanTests {
    private typealias Fixtures = AccessFixtures

    @Test("a plan changed in the portal takes effect although the metadata stays, up and down")
    func planFollowsThePrice() throws {
        let tariff = Tariff(try Fixtures.catalog())
        for (name, plan, limit) in [
            ("bus_llm_basic_eur_month", "llm-basic", Int64(20_000)), ("bus_llm_pro_eur_month", "llm-pro", 10_000_000),
        ] {
            for metadata in ["llm-basic", "llm-pro"] {
                let access = Fixtures.access([Fixtures.subscription(plan: metadata, prices: [name])], tariff)
                let allowed = Fixtures.answer(access, "llm:proxy", limit)
                #expect(allowed.isAllowed && allowed.planID == plan, "\(name) with \(metadata)")
                #expect(Fixtures.answer(access, "llm:proxy", limit + 1).reason == .quotaExceeded)
                #expect(AccountStatus(access, counts: UsageCounts()).planID == plan)
            }
        }
    }

    @Test("the plan's price is found wherever it stands in the list")
    func anyPosition() throws {
        let tariff = Tariff(try Fixtures.catalog())
        for prices in [["metered", "bus_llm_pro_eur_month"], ["bus_llm_pro_eur_month", "price_1"]] {
            let subscription = Fixtures.subscription(plan: "llm-basic", prices: prices)
            #expect(tariff.plans(of: subscription).ids == ["llm-pro"], "\(prices)")
        }
    }

    @Test("a price without a lookup key counts under its id")
    func priceByID() throws {
        let catalog = try Fixtures.catalog(
            .set("plans.1.prices.0.lookup_key", "price_pro"), .remove("prices.1"))
        #expect(Tariff(catalog).plans(of: Fixtures.subscription(prices: ["price_pro"])).ids == ["llm-pro"])
    }

    @Test("a subscription with the prices of two plans has both")
    func twoPlans() throws {
        let access = Fixtures.access(
            [Fixtures.subscription(prices: ["bus_llm_basic_eur_month", "bus_container_basic_eur_month"])],
            Tariff(try Fixtures.catalog()))
        #expect(access.features == ["llm:proxy", "container:read", "container:run", "container:delete"])
        #expect(Fixtures.answer(access, "container:run").planID == "container-basic")
    }

    @Test("a plan that the catalog does not know is worth no more than the smallest plan that sells the feature")
    func unknownPlan() throws {
        let tariff = Tariff(try Fixtures.catalog())
        for (plan, prices) in [("llm-Basic", []), (nil, []), ("gone", ["gone_price"]), (nil, ["price_1"])] {
            let access = Fixtures.access([Fixtures.subscription(plan: plan, prices: prices)], tariff)
            #expect(Fixtures.answer(access, "llm:proxy", 999_999_999_999).reason == .quotaExceeded)
            #expect(Fixtures.answer(access, "llm:proxy", 20_000).isAllowed)
            let refusal = Fixtures.answer(access, "llm:proxy", 20_001)
            #expect(refusal.usage?.window == "minute" && refusal.usage?.limit == 20_000)
            let status = AccountStatus(access, counts: UsageCounts())
            #expect(status.isPlanUnknown && status.features == ["llm:proxy"])
            #expect(status.usage.map(\.limit) == [20_000, 1_000_000])
        }
        let known = Fixtures.access([Fixtures.subscription(plan: "llm-basic")], tariff)
        #expect(!AccountStatus(known, counts: UsageCounts()).isPlanUnknown)
    }

    @Test("a plan that leaves the catalog keeps its features and loses its large quotas")
    func planLeaves() throws {
        let tariff = Tariff(try Fixtures.catalog(.remove("prices.1"), .remove("plans.1"), .set("plans.0.quotas", [])))
        let access = Fixtures.access(
            [Fixtures.subscription(plan: "llm-pro", prices: ["bus_llm_pro_eur_month"])], tariff)
        #expect(tariff.plans(of: access.standing.subscriptions[0]) == .unknown)
        #expect(Fixtures.answer(access).isAllowed)
        let limited = Fixtures.access(access.standing.subscriptions, Tariff(try Fixtures.catalog()))
        #expect(limited.grants.map(\.planID) == ["llm-pro"])
    }

    @Test("a feature added to a plan is granted at the next check, and one moved to another plan is not kept")
    func featuresOfToday() throws {
        let paid = Fixtures.subscription(plan: "llm-pro", prices: ["bus_llm_pro_eur_month"])
        let named = Fixtures.subscription(plan: "llm-pro")
        let before = Tariff(try Fixtures.catalog())
        let after = Tariff(try Fixtures.catalog(.set("plans.1.features.1", "llm:batch")))
        for subscription in [paid, named] {
            #expect(Fixtures.answer(Fixtures.access([subscription], before), "llm:batch").reason == .billingRequired)
            #expect(Fixtures.answer(Fixtures.access([subscription], after), "llm:batch").isAllowed)
        }
        let more = Fixtures.subscription(features: ["llm:proxy", "container:run"], prices: ["bus_llm_pro_eur_month"])
        #expect(Fixtures.answer(Fixtures.access([more], before), "container:run").reason == .billingRequired)
    }

    @Test("what an operator adds by hand stays, with any plan and with none")
    func extras() throws {
        let tariff = Tariff(try Fixtures.catalog())
        for (plan, prices) in [("llm-pro", ["bus_llm_pro_eur_month"]), ("llm-pro", []), (nil, [])] {
            let subscription = Fixtures.subscription(plan: plan, features: ["beta:x"], prices: prices)
            #expect(Fixtures.answer(Fixtures.access([subscription], tariff), "beta:x").isAllowed)
        }
    }

    @Test("a feature that a named plan does not sell is limited as in the plan that allows least")
    func featureOfAnotherPlan() throws {
        let subscription = Fixtures.subscription(plan: "llm-pro", features: ["llm:proxy", "container:run"])
        let access = Fixtures.access([subscription], Tariff(try Fixtures.catalog()))
        let seconds = access.limits.first { $0.quota.feature == "container:run" }
        #expect(seconds?.quota.limit == 3_600)
        #expect(Fixtures.answer(access, "llm:proxy", 10_000_000).planID == "llm-pro")
    }

    @Test("without a catalog the metadata decides, and a quota file limits the plans that it lists")
    func noCatalog() throws {
        let subscription = Fixtures.subscription(plan: "any", features: ["llm:proxy"], prices: ["price_1"])
        let free = Fixtures.access([subscription], Tariff(.empty))
        #expect(Fixtures.answer(free, "llm:proxy", 999_999_999_999).isAllowed)
        #expect(!AccountStatus(free, counts: UsageCounts()).isPlanUnknown)
        let quota = Quota(feature: "llm:proxy", meterEventName: "bus_llm_tokens", window: .day, limit: 5)
        for (plan, isAllowed) in [("any", false), ("other", true)] {
            let file = Tariff(.empty, quotaFile: PlanQuotas([plan: [quota]]))
            #expect(Fixtures.answer(Fixtures.access([subscription], file), "llm:proxy", 6).isAllowed == isAllowed)
        }
    }

    @Test("a quota file takes the place of the catalog's quotas, for known and for unknown plans")
    func quotaFile() throws {
        let quota = Quota(feature: "llm:proxy", meterEventName: "bus_llm_tokens", window: .day, limit: 5)
        let tariff = Tariff(try Fixtures.catalog(), quotaFile: PlanQuotas(["llm-basic": [quota]]))
        let known = Fixtures.access([Fixtures.subscription(prices: ["bus_llm_pro_eur_month"])], tariff)
        #expect(Fixtures.answer(known, "llm:proxy", 999_999_999_999).isAllowed)
        let unknown = Fixtures.access([Fixtures.subscription(plan: "gone")], tariff)
        #expect(Fixtures.answer(unknown, "llm:proxy", 6).reason == .quotaExceeded)
    }

    @Test("a denial names what helps: the portal, a purchase beside a single payment, or nothing but time")
    func commands() throws {
        let tariff = Tariff(try Fixtures.catalog())
        func command(_ subscription: SubscriptionStanding, _ quantity: Int64 = 999_999_999) -> String? {
            Fixtures.answer(Fixtures.access([subscription], tariff), "llm:proxy", quantity).command
        }
        #expect(command(Fixtures.subscription(prices: ["bus_llm_basic_eur_month"])) == "bus billing portal")
        let once = Fixtures.subscription("payment:cs_1", plan: "llm-basic")
        #expect(command(once) == "bus billing setup --plan llm-pro --additional")
        #expect(command(Fixtures.subscription("payment:cs_1", plan: "llm-pro")) == nil)
        #expect(command(Fixtures.subscription(plan: nil, features: [])) == "bus billing setup")
        let late = Fixtures.subscription("subscription:sub_1", .pastDue, plan: "llm-basic")
        #expect(command(late) == "bus billing portal", "buying again would be billed twice")
    }

    @Test("an unknown plan is news once, again when it changes, and forgotten when the catalog knows it")
    func unknownPlansAreReportedOnce() throws {
        let tariff = Tariff(try Fixtures.catalog())
        var known = UnknownPlans()
        let gone = Fixtures.subscription(plan: "gone")
        func look(_ subscriptions: SubscriptionStanding..., version: Int64 = 1, tariff: Tariff) -> Int {
            _ = known.begin(mode: .test, catalogVersion: version, at: Fixtures.now)
            defer { known.end() }
            return subscriptions.filter { known.note($0, tariff) }.count
        }
        #expect(look(gone, tariff: tariff) == 1 && known.count == 1)
        #expect(look(gone, tariff: tariff) == 0 && known.count == 1)
        #expect(look(tariff: tariff) == 0 && known.count == 1, "no change, nothing to look at")
        #expect(look(Fixtures.subscription(plan: "other"), tariff: tariff) == 1)
        #expect(look(Fixtures.subscription(plan: "other"), version: 2, tariff: tariff) == 0, "known before")
        #expect(look(Fixtures.subscription(plan: "llm-pro"), tariff: tariff) == 0 && known.count == 0)
        #expect(look(gone, version: 3, tariff: tariff) == 1)
        #expect(look(version: 4, tariff: tariff) == 0 && known.count == 0, "looked at everything, and it is gone")
        #expect(look(Fixtures.subscription("subscription:sub_1", .canceled, plan: "x"), tariff: tariff) == 0)
    }

    @Test("a look every 5 s misses nothing that is stored up to a minute late, and reads a change three times")
    func looksForUnknownPlans() throws {
        var known = UnknownPlans()
        var looks: [(at: Int64, since: Int64)] = []
        for second in stride(from: Int64(0), through: 600, by: 5) {
            let since = known.begin(mode: .test, catalogVersion: 1, at: Fixtures.now.advanced(bySeconds: second))
            known.end()
            if let since { looks.append((second, since.seconds - Fixtures.now.seconds)) } else { #expect(second == 0) }
        }
        for change in Int64(1)..<480 {
            let reading = looks.filter { $0.since <= change && change < $0.at }
            #expect((2...4).contains(reading.count), "at \(change) s")
            #expect(try #require(reading.first).at <= change + 5)
            // Stored a minute late, it is there for the looks after that.
            #expect(reading.contains { $0.at >= change + 60 }, "at \(change) s")
        }
    }
}
