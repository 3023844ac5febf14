import BusCore
import TestSupport
import Testing

/// Our programs before an offline Stripe, and accounts that buy, change and end there, with or without faults.
struct ConvergenceTown: Sendable {
    let deployment: Deployment
    let api: LoopbackClient
    let sandbox: LoopbackClient
    /// The key, and where the offline Stripe is.
    let stripe: [String: String]
    /// When the billing worker looked for the first time for subscriptions to have read again.
    let firstLook: ContinuousClock.Instant

    /// Three of ten calls fail, half of them after the work is done, and every tenth webhook is never sent.
    static let faults = """
        {"calls":[{"fault":"500","path":"/v1/","percent":15},{"fault":"reset_after","path":"/v1/","percent":18}],
         "webhooks":{"delay":"300ms","duplicate_percent":30,"reorder_percent":30,"drop_percent":10}}
        """

    static func run<Value: Sendable>(
        seed: UInt64, faults: String = "{}", _ body: @Sendable (ConvergenceTown) async throws -> Value
    ) async throws -> Value {
        let deployment = try Deployment()
        let address = "127.0.0.1:\(try FreePort.next())"
        let stripe = ["BUS_STRIPE_SECRET_KEY": "sk_test_end_to_end", "BUS_STRIPE_API_URL": "http://\(address)"]
        return try await deployment.withEvents { _ in
            try await deployment.withStripe(environment: stripe) { ingress, _ in
                try await Sandbox.run(
                    [
                        "--addr", address, "--forward-to", ingress.base + SignedWebhook.path,
                        "--seed", "\(seed % 1_000_000_000)", "--start", TownCalendar.start,
                    ],
                    environment: ["BUS_STRIPE_WEBHOOK_SECRET": deployment.webhookSecret]
                ) { sandbox in
                    #expect(try await sandbox.put("/sandbox/faults", Array(faults.utf8)).status == 200)
                    let commands = try CommandWorld(stripe)
                    _ = try commands.folder.write(ConvergenceStory.catalog, to: "catalog.json")
                    // A run that a fault ended goes on where it stopped.
                    try await eventually("the catalog is in Stripe", tries: 20) {
                        let synced = try await commands.bus("operator stripe catalog sync --file catalog.json")
                        return synced.exit == .code(0) ? true : nil
                    }
                    return try await deployment.withBillingWorker { _ in
                        let firstLook = ContinuousClock.now
                        return try await deployment.withBillingAPI { api, _ in
                            try await body(
                                ConvergenceTown(
                                    deployment: deployment, api: api, sandbox: sandbox, stripe: stripe,
                                    firstLook: firstLook))
                        }
                    }
                }
            }
        }
    }

    // MARK: The story of all

    /// Everybody buys; returns when what happens to them.
    ///
    /// The worker reads a subscription again two days after its paid time ended unheard. Billing goes by the machine's
    /// clock, so the offline Stripe's story ends at the machine's now, and those two days end for all at one moment,
    /// just before the worker looks. Were they over earlier, it might ask in the middle of the story, and then not
    /// again for five minutes.
    func buy() async throws -> TownCalendar {
        let stored = try await api.put(
            "/api/internal/billing/catalog", Array(ConvergenceStory.catalog.utf8),
            headers: deployment.bearer("operator", "billing:catalog:write", audience: "ai.hg.fi/internal"))
        #expect(stored.status == 200, "\(stored.text)")
        let calendar = TownCalendar(endingAt: momentBeforeALook())
        try await moveClock(to: calendar.bought)
        for (story, page) in zip(ConvergenceStory.all, try await pages()) {
            #expect(try await sandbox.submit(page, story.payment).status == 303, "\(story.name)")
        }
        return calendar
    }

    /// Two paid months and two days, from the purchase to the end of each story; returns whose purchase no webhook told.
    func live() async throws -> Set<String> {
        let calendar = try await buy()
        let unheard = try await findUnheard(after: calendar.bought)
        let subscriptions = try await subscriptions()
        try await moveClock(to: calendar.bought + 86_400)
        for (index, story) in ConvergenceStory.all.enumerated() {
            for act in story.onFirstDay { try await carryOut(act, index, subscriptions) }
        }
        try await moveClock(to: calendar.renewed + 10 * 86_400)
        for (index, story) in ConvergenceStory.all.enumerated() {
            for act in story.inSecondMonth { try await carryOut(act, index, subscriptions) }
        }
        try await moveClock(to: calendar.end)
        return unheard
    }

    /// Has whoever paid and is unknown found in Stripe's list of events; returns who that was.
    ///
    /// The running worker looks there every five minutes, which are more than this story has. A worker that starts looks
    /// at once.
    func findUnheard(after bought: Int64) async throws -> Set<String> {
        try await settle()
        var unheard: Set<String> = []
        for (index, story) in ConvergenceStory.all.enumerated() where try await access(of: index).status == "missing" {
            unheard.insert(story.name)
        }
        if unheard.isEmpty { return [] }
        try await moveClock(to: bought + 2 * Limits.eventWalkGraceSeconds)
        try await deployment.withStripe(environment: stripe) { _, _ in
            for (index, story) in ConvergenceStory.all.enumerated() {
                try await eventually("Bus knows the account that \(story.name)", tries: 12_000) {
                    try await access(of: index).status == "missing" ? nil : true
                }
            }
        }
        return unheard
    }

    private func momentBeforeALook() -> Int64 {
        var wait = firstLook.duration(to: .now) * -1
        while wait < .seconds(45) { wait += .seconds(30) }
        return unixNow() + wait.components.seconds - 3
    }

    /// The address at which each account pays; one after the other, so that a seed repeats a run.
    private func pages() async throws -> [String] {
        var pages: [String] = []
        for (index, story) in ConvergenceStory.all.enumerated() {
            pages.append(try await page(of: story, ConvergenceStory.account(index)))
        }
        return pages
    }

    private func page(of story: ConvergenceStory, _ account: String) async throws -> String {
        guard let days = story.trialDays else {
            return try await visit("checkout-session", #"{"plan_id":"\#(story.plan)"}"#, account, "billing:setup")
        }
        let price = try await price("town_\(story.plan)_eur_month")
        let session = try await stripe(
            "/v1/checkout/sessions",
            "mode=subscription&line_items[0][price]=\(price)&line_items[0][quantity]=1&success_url=http://127.0.0.1/"
                + "&subscription_data[trial_period_days]=\(days)&"
                + ["metadata", "subscription_data[metadata]"].map {
                    "\($0)[bus_account_id]=\(account)&\($0)[bus_plan_id]=\(story.plan)&\($0)[bus_feature]=llm:proxy"
                }.joined(separator: "&"))
        return "/local/stripe/checkout/\(session["id"]?.text ?? "")"
    }

    private func carryOut(_ act: ConvergenceStory.Act, _ index: Int, _ subscriptions: [String: String]) async throws {
        let account = ConvergenceStory.account(index)
        let subscription = try #require(subscriptions[account], "\(ConvergenceStory.all[index].name)")
        let form: String
        switch act {
        case .dashboard(let change):
            _ = try await stripe("/v1/subscriptions/\(subscription)", change)
            return
        case .endInDashboard:
            try await eventually("\(subscription) is ended") {
                let answer = try? await sandbox.delete(
                    "/v1/subscriptions/\(subscription)", headers: Sandbox.bearer)
                // Not there any more: an answer was lost.
                return [200, 404].contains(answer?.status) ? true : nil
            }
            return
        case .portal(let action): form = "action=\(action)&subscription=\(subscription)"
        case .changePlan(let key):
            form = "action=change-plan&subscription=\(subscription)&price=\(try await price(key))"
        }
        let page = try await visit("portal-session", "{}", account, "billing:read")
        #expect(try await sandbox.submit(page, form).status == 303, "\(form)")
    }

    // MARK: What comes of it

    /// Every webhook has its end, and billing has applied what they said.
    func settle() async throws {
        try await eventually("no webhook waits") {
            try await webhooks().allSatisfy { !["waiting", "sending"].contains($0["state"]?.text) } ? true : nil
        }
        try await eventually("every update is applied") {
            let names = ["bus.billing.subscription.update", "bus.billing.subscription.unlinked"]
            let results = ["bus.billing.subscription.result", "bus.billing.subscription.unlinked_result"]
            return try await count(names) == count(results) ? true : nil
        }
    }

    private func count(_ names: [String]) async throws -> Int {
        var count = 0
        for name in names { count += try await deployment.stored(name).count }
        return count
    }

    /// The access of each account, by the names of their stories.
    func access() async throws -> [String: ConvergenceStory.Access] {
        var found: [String: ConvergenceStory.Access] = [:]
        for (index, story) in ConvergenceStory.all.enumerated() { found[story.name] = try await access(of: index) }
        return found
    }

    private func access(of index: Int) async throws -> ConvergenceStory.Access {
        let account = ConvergenceStory.account(index)
        let checked = try await api.post(
            "/api/internal/billing/entitlement-check", Array(#"{"account_id":"\#(account)","scope":"llm:proxy"}"#.utf8),
            headers: deployment.bearer("llm-api", "billing:entitlement:check", audience: "ai.hg.fi/internal"))
        let status = try await api.get("/api/v1/billing/status", headers: deployment.bearer(account, "billing:read"))
        return ConvergenceStory.Access(
            isAllowed: checked.json?["allowed"] == true, status: status.json?["status"]?.text ?? status.text,
            plan: status.json?["plan_id"]?.text)
    }

    /// Waits until all have the access that their stories end with.
    ///
    /// The tries last longer than the five minutes after which a reading that failed comes again.
    func converge() async throws {
        for (index, story) in ConvergenceStory.all.enumerated() {
            try await eventually("the account that \(story.name) is \(story.ends)", tries: 33_000) {
                try await access(of: index) == story.ends ? true : nil
            }
        }
    }

    /// What the operator sees in Stripe of the webhooks, the newest first.
    func webhooks() async throws -> [JSONValue] {
        try await sandbox.get("/sandbox/events?limit=10000").json?["events"]?.elements ?? []
    }

    // MARK: Calls

    /// Sets the faults that Stripe's callers and webhooks meet from now on.
    func dial(_ faults: String) async throws {
        #expect(try await sandbox.put("/sandbox/faults", Array(faults.utf8)).status == 200)
    }

    /// Asks Bus for a page until it has one, as a person does; returns the page's path.
    private func visit(_ route: String, _ body: String, _ account: String, _ scope: String) async throws -> String {
        let url = try await eventually("\(account) has a \(route)", tries: 100) {
            let answer = try await api.post(
                "/api/v1/billing/\(route)", Array(body.utf8), headers: deployment.bearer(account, scope))
            return answer.json?["url"]?.text
        }
        return String(url.dropFirst(sandbox.base.count))
    }

    /// A call of somebody in Stripe's dashboard, made until Stripe answers.
    private func stripe(_ path: String, _ form: String) async throws -> JSONValue {
        let key = "town-\(path)-\(form.hashValue)"
        return try await eventually("Stripe answers to \(path)", tries: 100) {
            let answer = try? await sandbox.post(
                path, Array(form.utf8),
                headers: Sandbox.bearer.merging(
                    ["Content-Type": "application/x-www-form-urlencoded", "Idempotency-Key": key]) { $1 })
            return answer?.status == 200 ? answer?.json : nil
        }
    }

    private func list(_ path: String) async throws -> [JSONValue] {
        try await eventually("Stripe lists \(path)", tries: 100) {
            try? await sandbox.get(path, headers: Sandbox.bearer).json?["data"]?.elements
        }
    }

    private func price(_ key: String) async throws -> String {
        try await list("/v1/prices?lookup_keys[]=\(key)").first?["id"]?.text ?? ""
    }

    /// The subscription of each account.
    private func subscriptions() async throws -> [String: String] {
        var found: [String: String] = [:]
        for subscription in try await list("/v1/subscriptions?limit=100") {
            guard let account = subscription["metadata"]?["bus_account_id"]?.text else { continue }
            found[account] = subscription["id"]?.text
        }
        return found
    }

    private func moveClock(to moment: Int64) async throws {
        let clock = try await sandbox.get("/sandbox/clock").json
        let seconds = moment - (try #require(clock?["unix"]?.integer))
        let moved = try await sandbox.post("/sandbox/clock", Array(#"{"advance":"\#(seconds)s"}"#.utf8))
        #expect(moved.status == 200, "\(moved.text)")
    }
}
