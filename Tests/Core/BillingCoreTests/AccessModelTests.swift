import BillingCore
import BusContract
import BusCore
import TestSupport
import Testing

/// What an account may use, after whatever happened at Stripe and on the way here.
struct AccessModelTests {
    @Test("whatever happens to a subscription, healed access equals what Stripe's own state pays for")
    func histories() async throws {
        let rounds = Rounds(1_000, proof: 100_000)
        var (compared, read) = (0, 0)
        for await round in rounds {
            let seed = PropertySettings.seed &+ UInt64(round)
            var world = try AccessWorld(seed: seed)
            for _ in 0..<25 {
                try world.step()
                guard world.heal() else { continue }
                compared += 1
                try #require(
                    world.granted == world.paidFor, "BUS_TEST_SEED=\(seed): \(world.story.joined(separator: ", "))")
            }
            read += world.readings
        }
        print(
            """
            access model, BUS_TEST_SEED=\(PropertySettings.seed)
              histories              \(rounds.count)
              comparisons            \(compared)
              readings               \(read)
            """)
        #expect(compared > 5 * rounds.count && read > rounds.count / 10)
    }

    @Test("rules that people write first grant what nobody pays for", arguments: WrongAccessRule.allCases)
    func wrongRules(_ rule: WrongAccessRule) throws {
        var isWrong = false
        for round in 0..<UInt64(2_000) where !isWrong {
            var world = try AccessWorld(seed: PropertySettings.seed &+ round, wrong: rule)
            for _ in 0..<25 where !isWrong {
                try world.step()
                isWrong = world.heal() && world.granted != world.paidFor
            }
        }
        #expect(isWrong, "\(rule) goes unnoticed")
    }
}

/// Rules for access that people write first and that are wrong.
enum WrongAccessRule: CaseIterable {
    /// The metadata of the checkout decides.
    case metadataDecides
    /// An update without an account says nothing.
    case unlinkedIsNothing
    /// Nobody looks after a subscription that falls silent.
    case nobodyLooks
}

/// One subscription at Stripe, the events it sends, and billing, which hears some of them late, twice or never.
private struct AccessWorld {
    private var random: SeededGenerator
    private let wrong: WrongAccessRule?
    private let mayStrip: Bool
    private var now: Int64 = 1_785_600_000

    // At Stripe.
    private var truth = StripeTruth()
    private var catalog: Catalog
    private var number = 0

    // On the way, and here.
    private var underWay: [SubscriptionUpdate] = []
    private var isLost = false
    private var heard: Subscription?
    private(set) var readings = 0
    private(set) var story: [String] = []

    init(seed: UInt64, wrong: WrongAccessRule? = nil) throws {
        random = SeededGenerator(seed: seed)
        self.wrong = wrong
        mayStrip = random.chance(50)
        catalog = try AccessFixtures.catalog()
        emit(.created, isSafe: true)
        var session = update(.checkout, after: truth)
        (session.mode, session.sessionID, session.providerStatus) = (.subscription, "cs_1", "paid")
        session.status = .active
        underWay.append(session)
        let before = truth
        truth.status = "active"
        emit(.updated, after: before, isSafe: true)
    }

    // MARK: What happens at Stripe

    mutating func step() throws {
        if random.chance(60) { now += Int64.random(in: 1...90_000, using: &random) }
        let before = truth
        let deed = Int.random(in: 0..<14, using: &random)
        switch deed {
        case 0..<4: truth.prices = priceLists.randomElement(using: &random) ?? []
        case 4..<8: truth.status = StripeTruth.statuses.randomElement(using: &random) ?? "active"
        case 8: truth.periodEnd = now + 30 * 86_400
        case 9 where mayStrip: (truth.account, truth.features, truth.plan) = (nil, [], nil)
        case 9:
            truth.features = random.chance(50) ? ["llm:proxy"] : ["llm:proxy", "extra:one"]
            truth.plan = random.chance(50) ? "llm-basic" : "of-nobody"
        case 10: truth.account = mayStrip ? nil : truth.account
        case 11: try changeCatalog()
        case 12 where random.chance(20): truth.isDeleted = true
        default: break
        }
        story.append("\(deed)@\(now % 1_000_000)")
        guard truth != before, !before.isDeleted else {
            truth = before
            return
        }
        // Stripe's whole seconds cannot order two edits of metadata.
        if truth.metadata != before.metadata { now += 1 }
        emit(truth.isDeleted ? .deleted : .updated, after: before)
        if truth.metadata != before.metadata { now += 1 }
    }

    private var priceLists: [[String]] {
        let known = [["bus_llm_basic_eur_month"], ["metered", "bus_llm_pro_eur_month"], ["bus_llm_pro_eur_month"]]
        return mayStrip ? known : known + [["of_another_shop"]]
    }

    /// A feature comes into a plan, or a price is archived; old subscriptions keep it.
    private mutating func changeCatalog() throws {
        let edits: [CatalogEdit] = [
            .set("plans.1.features.1", "llm:batch"), .set("plans.0.features.1", "llm:batch"),
        ]
        catalog =
            try random.chance(50) ? AccessFixtures.catalog() : AccessFixtures.catalog(edits[random.chance(50) ? 0 : 1])
    }

    private mutating func emit(_ kind: SubscriptionUpdate.Kind, after before: StripeTruth? = nil, isSafe: Bool = false)
    {
        let event = update(kind, after: before ?? truth)
        if !isSafe, random.chance(8) {
            isLost = true
        } else {
            underWay.append(event)
            if random.chance(10) { underWay.append(event) }
        }
    }

    private mutating func update(_ kind: SubscriptionUpdate.Kind, after before: StripeTruth) -> SubscriptionUpdate {
        number += 1
        var update = SubscriptionUpdate(
            eventID: "evt_\(number)", accountID: truth.account, provider: "stripe",
            status: truth.isDeleted ? .canceled : StripeTruth.word(truth.status),
            occurredAt: Timestamp(clampingSeconds: now))
        update.kind = kind
        update.providerSubscriptionID = "sub_1"
        update.providerStatus = truth.isDeleted ? "canceled" : truth.status
        if before.status != truth.status { update.previousProviderStatus = before.status }
        update.features = truth.features
        update.planID = truth.plan
        update.prices = truth.prices.map(AccessFixtures.price)
        if before.prices != truth.prices { update.previousPrices = before.prices.map(AccessFixtures.price) }
        update.currentPeriodEnd = Timestamp(clampingSeconds: truth.periodEnd)
        return update
    }

    // MARK: What is heard here

    /// Delivers what is under way, and lets the janitor look; false while something is lost that it does not look for yet.
    mutating func heal() -> Bool {
        for event in underWay.shuffled(using: &random) where wrong != .unlinkedIsNothing || event.accountID != nil {
            if heard == nil { heard = Subscription(event) } else { heard?.apply(event) }
        }
        underWay = []
        guard isLost || heard?.standing?.isUndecided == true else { return true }
        if isLost { now = max(now, truth.periodEnd + 49 * 3_600) }
        if wrong == .nobodyLooks { return isLost }
        guard let due = heard?.standing?.dueAt, due <= Timestamp(clampingSeconds: now) else { return false }
        var reading = update(.observed, after: truth)
        reading.occurredAt = Timestamp(clampingNanoseconds: now * 1_000_000_000 + 500_000_000)
        heard?.apply(reading)
        isLost = false
        readings += 1
        now += 1
        return true
    }

    /// What billing grants.
    var granted: Set<String> {
        guard var standing = heard?.standing, standing.accountID != nil else { return [] }
        if wrong == .metadataDecides { standing.prices = [] }
        return Set(AccessFixtures.access([standing], Tariff(catalog)).features)
    }

    /// What Stripe's own state pays for, by the catalog of today.
    var paidFor: Set<String> { truth.paidFor(catalog) }
}

/// What Stripe knows of the subscription, and an independent reading of the rules.
private struct StripeTruth: Equatable {
    var status = "incomplete"
    var prices = ["bus_llm_basic_eur_month"]
    var account: String? = AccessFixtures.account
    var features = ["llm:proxy"]
    var plan: String? = "llm-basic"
    var periodEnd: Int64 = 1_785_600_000 + 30 * 86_400
    var isDeleted = false

    static let statuses = ["active", "active", "active", "trialing", "past_due", "unpaid", "paused", "incomplete"]

    var metadata: [String?] { [account, plan] + features }

    static func word(_ status: String) -> SubscriptionStatus {
        switch status {
        case "active", "trialing": .active
        case "past_due", "unpaid", "paused": .pastDue
        default: .incomplete
        }
    }

    func paidFor(_ catalog: Catalog) -> Set<String> {
        guard !isDeleted, status == "active" || status == "trialing" else { return [] }
        // Stripped metadata says nothing new: what the checkout said still counts.
        let named = Set(features.isEmpty ? ["llm:proxy"] : features)
        let sold = Set(catalog.plans.flatMap(\.features))
        let paid = catalog.plans.filter { plan in plan.prices.contains { prices.contains($0.lookupKey) } }
        if !paid.isEmpty { return named.subtracting(sold).union(paid.flatMap(\.features)) }
        return named.union(catalog.plans.filter { $0.id == plan }.flatMap(\.features))
    }
}
