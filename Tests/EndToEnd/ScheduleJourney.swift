import BusCore
import TestSupport
import Testing

/// A subscription schedule sells another plan and rewrites the metadata that a deployment put there.
@Suite(.timeLimit(.minutes(5))) struct ScheduleJourney {
    private static let schedules = "/v1/subscription_schedules"

    @Test(
        "the price of the phase says the plan, and the account stays the one that bought",
        arguments: [
            // Taken away; a plan's name that is no longer paid for; a feature that nobody bought.
            "&{m}[bus_account_id]=&{m}[bus_feature]=&{m}[bus_features]=&{m}[bus_plan_id]=",
            "&{m}[bus_plan_id]=llm-basic&{m}[note]=schedule", "&{m}[bus_account_id]=&{m}[bus_feature]=container:run",
        ])
    func phase(_ metadata: String) async throws {
        try await Laptop.run(in: try TemporaryFolder()) { laptop in
            try await laptop.buy()
            #expect(try await laptop.status()["plan_id"] == "llm-basic")
            let (subscription, schedule) = try await Self.schedule(
                metadata.replacing("{m}", with: "phases[1][metadata]"), laptop)
            let moved = try await laptop.client.post("/sandbox/clock", Array(#"{"advance":"31d"}"#.utf8))
            #expect(moved.status == 200)
            try await eventually("the plan of the phase counts") {
                try await laptop.status()["plan_id"]?.text == "llm-pro" ? true : nil
            }
            let status = try await laptop.status()
            #expect(status["status"] == "active" && status["features"] == ["llm:proxy"], "\(status)")
            let object = try await laptop.stripe("/v1/subscriptions/\(subscription)")
            #expect(object["schedule"]?.text == schedule)
            #expect((object["metadata"]?["bus_account_id"] == nil) == metadata.contains("bus_account_id"))

            // The schedule ends the subscription too, and nobody has to find the account in the metadata.
            #expect(try await laptop.client.call("\(Self.schedules)/\(schedule)/cancel", "").status == 200)
            try await laptop.becomes("canceled")
            let sent = try await laptop.client.get("/sandbox/events?limit=100").json?["events"]?.elements ?? []
            let told = sent.filter { $0["type"]?.text?.hasPrefix("subscription_schedule.") == true }
            #expect(told.count >= 4)
            for webhook in told {
                #expect(webhook["answers"]?.elements?.map { $0["status"]?.integer } == [200], "\(webhook)")
            }
        }
    }

    /// Puts the bought subscription under a schedule whose second phase sells the larger plan.
    private static func schedule(
        _ metadata: String, _ laptop: Laptop
    ) async throws -> (subscription: String, schedule: String) {
        let bought = try #require(try await laptop.stripe("/v1/subscriptions")["data"]?.elements?.first)
        let prices = try await laptop.stripe("/v1/prices")["data"]?.elements ?? []
        let pro = prices.first { $0["lookup_key"] == "bus_llm_pro_eur_month" }?["id"]?.text ?? ""
        let item = try #require(bought["items"]?["data"]?.elements?.first)
        let made = try await laptop.client.call(schedules, "from_subscription=\(bought["id"]?.text ?? "")")
        let schedule = try #require(made.json?["id"]?.text, "\(made.text)")
        let changed = try await laptop.client.call(
            "\(schedules)/\(schedule)",
            "phases[0][start_date]=\(item["current_period_start"]?.integer ?? 0)"
                + "&phases[0][end_date]=\(item["current_period_end"]?.integer ?? 0)"
                + "&phases[0][items][0][price]=\(item["price"]?["id"]?.text ?? "")"
                + "&phases[1][items][0][price]=\(pro)\(metadata)")
        #expect(changed.status == 200, "\(changed.text)")
        return (bought["id"]?.text ?? "", schedule)
    }
}

extension Laptop {
    /// What the offline Stripe answers to a read.
    fileprivate func stripe(_ path: String) async throws -> JSONValue {
        try #require(try await client.get(path, headers: Sandbox.bearer).json)
    }
}
