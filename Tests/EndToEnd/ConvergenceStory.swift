/// One account of a town: how it buys, what happens to it afterwards, and the access it ends with.
struct ConvergenceStory: Sendable {
    /// What happens to the subscription.
    enum Act: Sendable {
        /// Its owner presses a button in the Customer Portal.
        case portal(String)
        /// Its owner changes the plan in the Customer Portal, to the price with this lookup key.
        case changePlan(to: String)
        /// Somebody changes it in Stripe's dashboard.
        case dashboard(String)
        /// Somebody ends it in Stripe's dashboard.
        case endInDashboard
    }

    /// What an account may do in the end.
    struct Access: Hashable, Sendable {
        let isAllowed: Bool
        let status: String
        let plan: String?

        static func active(_ plan: String) -> Access { Access(isAllowed: true, status: "active", plan: plan) }
        static func canceled(_ plan: String) -> Access { Access(isAllowed: false, status: "canceled", plan: plan) }
    }

    let name: String
    var plan = "basic"
    /// A payment link of the operator's own sold it, with days for free; else Bus made the page.
    var trialDays: Int?
    var payment = "action=pay"
    /// The day after it was bought, and ten days after its first renewal.
    var onFirstDay: [Act] = []
    var inSecondMonth: [Act] = []
    let ends: Access

    static let all: [ConvergenceStory] = [
        ConvergenceStory(name: "buys", ends: .active("basic")),
        ConvergenceStory(name: "cancels at once", onFirstDay: [.portal("cancel-now")], ends: .canceled("basic")),
        ConvergenceStory(
            name: "cancels at the end of the period", onFirstDay: [.portal("cancel-at-period-end")],
            ends: .canceled("basic")),
        ConvergenceStory(
            name: "thinks better of cancelling", onFirstDay: [.portal("cancel-at-period-end"), .portal("resume")],
            ends: .active("basic")),
        ConvergenceStory(
            name: "upgrades", onFirstDay: [.changePlan(to: "town_pro_eur_month")], ends: .active("pro")),
        ConvergenceStory(
            name: "downgrades", plan: "pro", onFirstDay: [.changePlan(to: "town_basic_eur_month")],
            ends: .active("basic")),
        ConvergenceStory(
            name: "is declined at the renewal and recovers", onFirstDay: [.portal("fail-next-payment")],
            ends: .active("basic")),
        ConvergenceStory(
            name: "ends by dunning", onFirstDay: [.dashboard("default_payment_method=pm_card_chargeCustomerFail")],
            ends: .canceled("basic")),
        ConvergenceStory(
            name: "pauses and goes on", onFirstDay: [.dashboard("pause_collection[behavior]=void")],
            inSecondMonth: [.dashboard("pause_collection=")], ends: .active("basic")),
        ConvergenceStory(
            name: "pays by a debit that fails", payment: "action=pay-later-fails", ends: .canceled("basic")),
        ConvergenceStory(name: "begins with a trial", trialDays: 14, ends: .active("basic")),
        ConvergenceStory(
            name: "loses its metadata and is ended", onFirstDay: [.dashboard("metadata=")],
            inSecondMonth: [.endInDashboard], ends: .canceled("basic")),
        ConvergenceStory(name: "buys once", plan: "lifetime", ends: .active("lifetime")),
    ]

    /// Its account, by its place in the list.
    static func account(_ index: Int) -> String { "00000000-0000-4000-8000-0000000001\(10 + index)" }

    /// What the shop of the town sells.
    static let catalog = """
        {"version":1,"products":[{"id":"town","lookup_key":"town","name":"Town"}],
         "prices":[
           {"lookup_key":"town_basic_eur_month","product_lookup_key":"town","plan_id":"basic","currency":"eur","unit_amount":1000,"interval":"month"},
           {"lookup_key":"town_pro_eur_month","product_lookup_key":"town","plan_id":"pro","currency":"eur","unit_amount":4900,"interval":"month"},
           {"lookup_key":"town_lifetime_eur","product_lookup_key":"town","plan_id":"lifetime","currency":"eur","unit_amount":90000}],
         "meters":[],
         "plans":[
           {"id":"basic","product_id":"town","features":["llm:proxy"],"quotas":[],
            "prices":[{"lookup_key":"town_basic_eur_month","currency":"eur","unit_amount":1000,"interval":"month"}]},
           {"id":"pro","product_id":"town","features":["llm:proxy"],"quotas":[],
            "prices":[{"lookup_key":"town_pro_eur_month","currency":"eur","unit_amount":4900,"interval":"month"}]},
           {"id":"lifetime","product_id":"town","features":["llm:proxy"],"quotas":[],
            "prices":[{"lookup_key":"town_lifetime_eur","currency":"eur","unit_amount":90000}]}]}
        """
}
