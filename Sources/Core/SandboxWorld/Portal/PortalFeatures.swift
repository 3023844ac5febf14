/// What a portal lets its customers do.
package struct PortalFeatures: Hashable, Sendable {
    /// What customers may change about themselves.
    package enum Detail: String, CaseIterable, Sendable {
        case email, name, phone
    }

    /// Why somebody cancels, in Stripe's words.
    package enum Reason: String, CaseIterable, Sendable {
        case tooExpensive = "too_expensive"
        case missingFeatures = "missing_features"
        case switchedService = "switched_service"
        case tooComplex = "too_complex"
        case customerService = "customer_service"
        case lowQuality = "low_quality"
        case unused, other
    }

    /// Ends a subscription at once.
    package private(set) var cancelsNow: Bool
    /// Lets a subscription end with its period.
    package private(set) var cancelsLater: Bool
    /// What the page asks who cancels; empty asks nothing.
    package let reasons: [Reason]
    /// Changes to another price.
    package private(set) var changesPrice: Bool
    /// Changes how many are bought.
    package private(set) var changesQuantity: Bool
    /// Lists invoices.
    package private(set) var showsInvoices: Bool
    /// Puts another card in the place of the known one.
    package private(set) var replacesMethod: Bool
    /// What the customer may change.
    package private(set) var details: [Detail]

    /// A scheduled end can be taken back where it can be scheduled.
    package var cancels: Bool { cancelsNow || cancelsLater }

    init(_ setup: PortalSetup) {
        let features = setup.form["features"]
        func isEnabled(_ name: String) -> Bool { features?[name]?.flag("enabled") == true }
        let cancels = isEnabled("subscription_cancel")
        let mode = features?["subscription_cancel"]?.text("mode")
        // The default configuration offers both ways until somebody chooses one.
        cancelsNow = cancels && (mode == "immediately" || mode == nil && setup.isDefault)
        cancelsLater = cancels && mode != "immediately"
        let asked = features?["subscription_cancel"]?["cancellation_reason"]
        reasons = asked?.flag("enabled") == true ? (asked?.texts("options") ?? []).compactMap(Reason.init) : []
        let changes = isEnabled("subscription_update") ? setup.allowedUpdates : []
        changesPrice = changes.contains("price")
        changesQuantity = changes.contains("quantity")
        showsInvoices = isEnabled("invoice_history")
        replacesMethod = isEnabled("payment_method_update")
        details =
            isEnabled("customer_update")
            ? (features?["customer_update"]?.texts("allowed_updates") ?? []).compactMap(Detail.init) : []
    }

    /// The part of it that a session with a flow shows.
    func only(_ flow: String) -> PortalFeatures {
        var part = self
        part.showsInvoices = false
        part.details = []
        part.replacesMethod = replacesMethod && flow == "payment_method_update"
        part.cancelsNow = cancelsNow && flow == "subscription_cancel"
        part.cancelsLater = cancelsLater && flow == "subscription_cancel"
        part.changesPrice = changesPrice && flow.hasPrefix("subscription_update")
        part.changesQuantity = changesQuantity && flow == "subscription_update"
        return part
    }

    /// Whether there is anything to do; invoices are only shown.
    var isEmpty: Bool {
        !cancels && !changesPrice && !changesQuantity && !replacesMethod && details.isEmpty
    }

    /// True when the page has a form for it.
    func allows(_ intent: PortalIntent) -> Bool {
        switch intent {
        case .cancelNow(_, let reason): cancelsNow && asks(reason)
        case .cancelAtPeriodEnd(_, let reason): cancelsLater && asks(reason)
        case .resume: cancels
        case .changePlan: changesPrice
        case .changeQuantity: changesQuantity
        case .replaceMethod: replacesMethod
        case .changeDetails(let changed): changed.keys.allSatisfy { details.contains($0) }
        case .failNextPayment: true
        }
    }

    private func asks(_ reason: Reason?) -> Bool { reason.map { reasons.contains($0) } ?? true }
}
