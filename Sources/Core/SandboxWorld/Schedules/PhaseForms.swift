/// Phases as calls give them.
extension StripeAccount {
    /// Reads phases, each of which begins where the one before ends.
    ///
    /// - Parameter start: Where the first one begins unless it says so itself.
    func phases(
        _ forms: [ParameterTree], from start: Int64?
    ) throws(WorldRefusal) -> [SandboxSchedule.Phase] {
        guard let first = forms.first else {
            throw WorldRefusal(code: "parameter_missing", param: "phases", "Missing required param: phases.")
        }
        guard var time = start ?? moment(first, "start_date") else {
            throw WorldRefusal(
                param: "phases[0][start_date]", "Missing at least one phase with `start_date` to anchor end dates.")
        }
        var phases: [SandboxSchedule.Phase] = []
        for (index, form) in forms.enumerated() {
            let phase = try phase(form, "phases[\(index)]", from: time)
            phases.append(phase)
            time = phase.end
        }
        guard Set(phases.compactMap { prices[$0.items[0].price]?.currency }).count == 1 else {
            throw WorldRefusal(param: "phases", "All phases must use the same currency.")
        }
        return phases
    }

    private func phase(
        _ form: ParameterTree, _ name: String, from start: Int64
    ) throws(WorldRefusal) -> SandboxSchedule.Phase {
        if let given = moment(form, "start_date"), given != start {
            throw WorldRefusal(
                param: "\(name)[start_date]", "A phase must start when the phase before it ends, at \(start).")
        }
        if form.given("metadata") == "" {
            throw WorldRefusal(
                code: "parameter_invalid_empty", param: "\(name)[metadata]",
                "A phase cannot unset all metadata at once; give each key with an empty value.")
        }
        let items = form.list("items")
        let lines = try lineItems(items, under: "\(name)[items]", allowsOnce: false)
        guard let recurring = lines.first?.price.recurring else {
            throw WorldRefusal(
                code: "parameter_missing", param: "\(name)[items]", "Missing required param: \(name)[items].")
        }
        let end = try end(of: form, name, from: start, recurring)
        let trialEnd = form.integer("trial_end") ?? (form.flag("trial") == true ? end : nil)
        if let trialEnd, trialEnd <= start || trialEnd > end || (form.flag("trial") == true && trialEnd != end) {
            throw WorldRefusal(
                param: "\(name)[trial_end]",
                "The trial must end within its phase; with `trial` it ends when the phase does.")
        }
        return SandboxSchedule.Phase(
            start: start, end: end,
            items: zip(lines, items).map { line, item in
                .init(price: line.price.id, quantity: line.quantity, metadata: item.textMap("metadata"))
            },
            metadata: form.textMap("metadata"),
            behavior: form.text("proration_behavior").flatMap(ProrationBehavior.init) ?? .create, trialEnd: trialEnd)
    }

    private func end(
        of form: ParameterTree, _ name: String, from start: Int64, _ recurring: SandboxPrice.Recurring
    ) throws(WorldRefusal) -> Int64 {
        let given = moment(form, "end_date")
        guard let duration = form["duration"] else {
            // Without a word a phase lasts as long as a period of its prices.
            let end = given ?? BillingCalendar.end(after: start, anchor: start, recurring)
            if end > start { return end }
            throw WorldRefusal(param: "\(name)[end_date]", "A phase must end after it starts, at \(start).")
        }
        if given != nil {
            throw WorldRefusal(
                code: "parameters_exclusive", param: "\(name)[duration]",
                "You may only specify one of these parameters: duration, end_date.")
        }
        let interval = duration.text("interval").flatMap(SandboxPrice.Recurring.Interval.init) ?? recurring.interval
        return BillingCalendar.end(
            after: start, anchor: start,
            .init(interval: interval, count: duration.integer("interval_count") ?? 1, isMetered: false, meter: nil))
    }

    /// A time, which may be `now`.
    func moment(_ form: ParameterTree, _ name: String) -> Int64? {
        form.text(name) == "now" ? now : form.integer(name)
    }

    /// The phases after a change: those that have passed, then those of the call from the one that runs on.
    func changedPhases(
        of schedule: SandboxSchedule, _ forms: [ParameterTree]
    ) throws(WorldRefusal) -> [SandboxSchedule.Phase] {
        let given = try phases(forms, from: nil)
        guard let current = schedule.current else {
            if given[0].start < now {
                throw WorldRefusal(param: "phases[0][start_date]", "The schedule must not start in the past.")
            }
            return given
        }
        let passed = schedule.phases[..<current]
        let start = schedule.phases[current].start
        // Past phases may be left out, and count for nothing where they are given.
        guard let place = given.firstIndex(where: { $0.start == start }),
            given[..<place].allSatisfy({ phase in passed.contains { $0.start == phase.start && $0.end == phase.end } })
        else {
            throw WorldRefusal(
                param: "phases[0][start_date]", "You can not modify the start date of the current phase.")
        }
        if given[place].end < now {
            throw WorldRefusal(param: "phases[\(place)][end_date]", "The current phase must not end in the past.")
        }
        return Array(passed + given[place...])
    }
}

extension ParameterTree {
    /// The texts of a map, empty ones too.
    fileprivate func textMap(_ name: String) -> [String: String] {
        (map(name) ?? [:]).compactMapValues { if case .text(let text) = $0 { text } else { nil } }
    }
}
