import BusCore

extension CallRoute {
    /// Meters, their events and their totals.
    static let meters: [CallRoute] = [
        CallRoute(
            .post, "/v1/billing/meters",
            [
                "display_name": .required(.text(250)), "event_name": .required(.text(100)),
                "default_aggregation": .required(
                    .object(["formula": .required(.choice(["count", "last", "sum"]))])),
                "customer_mapping": .object([
                    "type": .required(.choice(["by_id"])), "event_payload_key": .required(.text(100)),
                ]),
                "value_settings": .object(["event_payload_key": .required(.text(100))]),
                "event_time_window": .choice(["day", "hour"]),
            ]
        ) { account, call throws(WorldRefusal) in try account.createMeter(call.form) },
        CallRoute(.get, "/v1/billing/meters", Paging.fields(["status": .choice(["active", "inactive"])])) {
            account, call throws(WorldRefusal) in
            try account.list(account.meters.all, call, created: \.created, json: \.json) { meter in
                call.form.text("status").map { ($0 == "active") == meter.isActive } ?? true
            }
        },
        CallRoute(.get, "/v1/billing/meters/*") { account, call throws(WorldRefusal) in
            try account.meter(call.id).json
        },
        CallRoute(.post, "/v1/billing/meters/*", ["display_name": .text(250)]) {
            account, call throws(WorldRefusal) in
            try account.changeMeter(call.id, "billing.meter.updated") { meter, _ in
                meter.displayName = call.form.text("display_name") ?? meter.displayName
            }
        },
        CallRoute(.post, "/v1/billing/meters/*/deactivate") { account, call throws(WorldRefusal) in
            guard try account.meter(call.id).isActive else {
                throw WorldRefusal("This meter is already inactive.")
            }
            return try account.changeMeter(call.id, "billing.meter.deactivated") { $0.deactivatedAt = $1 }
        },
        CallRoute(.post, "/v1/billing/meters/*/reactivate") { account, call throws(WorldRefusal) in
            let meter = try account.meter(call.id)
            guard !meter.isActive else { throw WorldRefusal("This meter is already active.") }
            try account.checkEventName(meter.eventName)
            return try account.changeMeter(call.id, "billing.meter.reactivated") { meter, _ in meter.deactivatedAt = nil
            }
        },
        CallRoute(
            .get, "/v1/billing/meters/*/event_summaries",
            [
                "customer": .required(.id), "start_time": .required(.time), "end_time": .required(.time),
                "value_grouping_window": .choice(["day", "hour"]), "limit": .integer(1...100), "starting_after": .id,
                "ending_before": .id,
            ]
        ) { account, call throws(WorldRefusal) in try account.summaries(call) },
        CallRoute(
            .post, "/v1/billing/meter_events",
            [
                "event_name": .required(.text(100)), "payload": .required(.texts), "identifier": .text(100),
                "timestamp": .time,
            ]
        ) { account, call throws(WorldRefusal) in try account.recordUsage(call.form) },
        CallRoute(
            .post, "/v1/billing/meter_event_adjustments",
            [
                "event_name": .required(.text(100)), "type": .required(.choice(["cancel"])),
                "cancel": .object(["identifier": .text(100)]),
            ]
        ) { account, call throws(WorldRefusal) in try account.adjustUsage(call.form) },
    ]
}

extension StripeAccount {
    /// Errors of usage are reported so long after the first one.
    private static let reportSeconds: Int64 = 60

    func meter(_ id: String) throws(WorldRefusal) -> SandboxMeter {
        guard let meter = meters.all[id] else { throw .missing("billing meter", id) }
        return meter
    }

    fileprivate func checkEventName(_ name: String) throws(WorldRefusal) {
        guard let holder = meters.active[name] else { return }
        throw WorldRefusal(
            param: "event_name", "An active meter (`\(holder)`) already uses the event name `\(name)`.")
    }

    fileprivate mutating func createMeter(_ form: ParameterTree) throws(WorldRefusal) -> WorldJSON {
        let name = form.text("event_name") ?? ""
        try checkEventName(name)
        let meter = SandboxMeter(
            id: ids.next("mtr_test_"), created: now, updated: now, displayName: form.text("display_name") ?? "",
            eventName: name, formula: form["default_aggregation"]?.text("formula") ?? "sum",
            customerKey: form["customer_mapping"]?.text("event_payload_key") ?? "stripe_customer_id",
            valueKey: form["value_settings"]?.text("event_payload_key") ?? "value",
            window: form.text("event_time_window"))
        meters.put(meter)
        emit("billing.meter.created", meter.json)
        return meter.json
    }

    fileprivate mutating func changeMeter(
        _ id: String, _ type: String, _ change: (inout SandboxMeter, Int64) -> Void
    ) throws(WorldRefusal) -> WorldJSON {
        let old = try meter(id)
        var new = old
        change(&new, now)
        new.updated = now
        meters.put(new)
        emitUpdate(type, from: old.json, to: new.json)
        return new.json
    }

    // MARK: Usage

    fileprivate mutating func recordUsage(_ form: ParameterTree) throws(WorldRefusal) -> WorldJSON {
        let time = form.integer("timestamp") ?? now
        guard time <= now + 300, time >= now - 35 * 86_400 else {
            throw WorldRefusal(
                param: "timestamp",
                "The timestamp must be within the past 35 calendar days, and at most 5 minutes in the future.")
        }
        guard let payload = form.map("payload") else { return .null }
        let identifier = form.text("identifier") ?? ids.next("mevt_")
        guard meters.take(identifier: identifier, at: now) else {
            throw WorldRefusal(forbidsRetry: true, "An event already exists with identifier \(identifier).")
        }
        let name = form.text("event_name") ?? ""
        count(ParameterTree.map(payload), of: name, identifier: identifier, at: time)
        let texts = payload.compactMapValues { if case .text(let text) = $0 { text } else { nil } }
        return [
            "object": "billing.meter_event", "created": .integer(now), "event_name": .text(name),
            "identifier": .text(identifier), "livemode": false, "payload": .map(texts), "timestamp": .integer(time),
        ]
    }

    /// Counts a usage, or notes why it does not count; who sent it hears of that later.
    private mutating func count(_ payload: ParameterTree, of name: String, identifier: String, at time: Int64) {
        guard let meter = meters.named(name) else {
            return note(.init(code: "no_meter", message: "No meter found: \(name)", identifier: identifier), "")
        }
        func refuse(_ code: String, _ message: String) {
            note(.init(code: code, message: message, identifier: identifier), meter.id)
        }
        guard meter.isActive else { return refuse("archived_meter", "The meter is inactive: \(meter.id)") }
        guard let customer = payload.text(meter.customerKey) else {
            return refuse("meter_event_no_customer_defined", "The payload has no \(meter.customerKey)")
        }
        guard customers[customer]?.isDeleted == false else {
            return refuse("meter_event_customer_not_found", "Customer not found: \(customer)")
        }
        let text = meter.formula == "count" ? payload.text(meter.valueKey) ?? "1" : payload.text(meter.valueKey) ?? ""
        guard text.utf8.count <= 15 else {
            return refuse("meter_event_value_too_many_digits", "The value has too many digits")
        }
        guard let value = Int64(text), value >= 0 else {
            return refuse("meter_event_invalid_value", "The value is not a whole number: \(text)")
        }
        meters.count(value, of: meter.id, customer: customer, identifier: identifier, at: time)
    }

    private mutating func note(_ fault: MeterBook.Fault, _ meter: String) {
        let isFirst = meters.faults[meter] == nil
        guard (meters.faults[meter]?.count ?? 0) < Limits.sandboxMeterErrorsMax else { return }
        meters.faults[meter, default: []].append(fault)
        if isFirst { due.add(.meterErrors(meter: meter), at: now + StripeAccount.reportSeconds) }
    }

    /// Says in a thin event what usage did not count.
    mutating func reportErrors(ofMeter meter: String) {
        guard let faults = meters.faults.removeValue(forKey: meter), !faults.isEmpty else { return }
        let byCode = Dictionary(grouping: faults, by: \.code).sorted { $0.key < $1.key }
        let types = byCode.map { code, faults -> WorldJSON in
            [
                "code": .text(code), "error_count": .integer(Int64(faults.count)),
                "sample_errors": .list(
                    faults.prefix(10).map {
                        ["error_message": .text($0.message), "request": ["identifier": .text($0.identifier)]]
                    }),
            ]
        }
        let details: WorldJSON = [
            "developer_message_summary": .text("There are \(faults.count) invalid events"),
            "reason": ["error_count": .integer(Int64(faults.count)), "error_types": .list(types)],
            "validation_end": .text(Timestamp(clampingSeconds: now).stripeV2Text),
            "validation_start": .text(Timestamp(clampingSeconds: now - StripeAccount.reportSeconds).stripeV2Text),
        ]
        emitThin(
            meter.isEmpty ? "v1.billing.meter.no_meter_found" : "v1.billing.meter.error_report_triggered",
            about: meter.nonEmpty, details: details)
    }

    fileprivate mutating func adjustUsage(_ form: ParameterTree) throws(WorldRefusal) -> WorldJSON {
        let name = form.text("event_name") ?? ""
        guard let identifier = form["cancel"]?.text("identifier") else {
            throw WorldRefusal(
                code: "parameter_missing", param: "cancel[identifier]", "Missing required param: cancel[identifier].")
        }
        guard let meter = meters.named(name), meters.cancel(identifier: identifier, of: meter.id) else {
            throw WorldRefusal(
                code: "resource_missing", param: "cancel[identifier]", "No meter event with identifier \(identifier).")
        }
        return [
            "object": "billing.meter_event_adjustment", "cancel": ["identifier": .text(identifier)],
            "event_name": .text(name), "livemode": false, "status": "pending", "type": "cancel",
        ]
    }

    fileprivate func summaries(_ call: RoutedCall) throws(WorldRefusal) -> WorldJSON {
        let meter = try meter(call.id)
        let request = try Paging.Request(call.form)
        let customer = call.form.text("customer") ?? ""
        let start = call.form.integer("start_time") ?? 0
        let end = call.form.integer("end_time") ?? 0
        let step: Int64? = call.form.text("value_grouping_window").map { $0 == "day" ? 86_400 : 3_600 }
        let alignment = step ?? 60
        guard start < end, start % alignment == 0, end % alignment == 0 else {
            throw WorldRefusal(
                param: "start_time", "start_time and end_time must be aligned, and the end must come after the start.")
        }
        let count = step.map { (end - start) / $0 } ?? 1
        var found: [WorldJSON] = []
        // Newest first, as every list.
        for index in stride(from: count - 1, through: 0, by: -1) {
            let from = start + index * (step ?? end - start)
            let id = "mtrusg_\(meter.id.suffix(12))\(from)"
            if let after = request.after, found.isEmpty,
                from >= (Int64(after.split(separator: "_").last?.dropFirst(12) ?? "") ?? 0)
            {
                continue
            }
            let to = min(end, from + (step ?? end - start))
            found.append([
                "id": .text(id), "object": "billing.meter_event_summary",
                "aggregated_value": .integer(meters.total(of: meter.id, customer: customer, in: from..<to)),
                "end_time": .integer(to), "livemode": false, "meter": .text(meter.id), "start_time": .integer(from),
            ])
            if found.count > request.limit { break }
        }
        return Paging.list(
            Array(found.prefix(request.limit)), hasMore: found.count > request.limit, url: call.path)
    }
}
