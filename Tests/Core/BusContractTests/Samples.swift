import BusCore

/// A good payload of every message.
enum Samples {
    static let account: JSONValue = "6c0e7f6a-0000-4000-8000-000000000001"

    /// What fields are changed to; nil removes one.
    static let oddities: [JSONValue?] = [
        nil, .null, "", "x", "a:b", "é", "\u{0}", true, 0, 1, -1, 15, .number("1e3"), .number("9223372036854775807"),
        [], ["a"], ["a", 1], [:], ["id": "x"], "2026-08-01T16:04:59Z", "2026-08-01T16:04:59.25+02:00", "https://a/",
        "active", "canceled", "6C0E7F6A-0000-4000-8000-000000000001", [["lookup_key": "k", "quantity": 2]],
    ]

    static let status: [String: JSONValue] = [
        "account_id": account, "status": "active", "features": ["a"], "setup_required": false, "provider": "stripe",
        "plan_id": "p", "usage": [.object(usageLine)], "next_action": "upgrade_plan", "command": "bus billing portal",
        "upgrade_required": true, "recommended_plan": "q",
    ]
    static let usageLine: [String: JSONValue] = [
        "feature": "a", "meter_event_name": "m", "window": "day", "used": 1, "reserved": 2, "limit": 3, "remaining": 0,
        "exceeded": false, "upgrade_plan_id": "q",
    ]
    static let checkout: [String: JSONValue] = [
        "account_id": account, "feature": "a", "features": ["a", "b"], "plan_id": "p", "return_url": "https://r",
        "success_url": "https://s", "cancel_url": "https://c",
    ]
    static let check: [String: JSONValue] = [
        "account_id": account, "scope": "a", "usage": ["meter_event_name": "m", "quantity": 2],
    ]
    static let denial: [String: JSONValue] = [
        "allowed": false, "reason": "quota_exceeded", "plan_id": "p", "recommended_plan": "q",
        "usage": .object(usageLine), "command": "bus billing portal",
    ]
    static let update: [String: JSONValue] = [
        "event_id": "evt_1", "account_id": account, "provider": "stripe", "status": "active",
        "provider_customer_id": "cus_1", "provider_subscription_id": "sub_1", "plan_id": "p", "features": ["a"],
        "occurred_at": "2026-08-01T16:04:59Z", "kind": "updated", "provider_status": "active",
        "previous_provider_status": "past_due", "livemode": false,
        "prices": [["id": "price_1", "lookup_key": "k", "product_id": "prod_1", "quantity": 2]],
        "previous_prices": [["id": "price_0", "quantity": 0]], "current_period_start": "2026-08-01T16:04:59Z",
        "current_period_end": 1_788_278_699, "cancel_at": "2026-09-01T16:04:59Z", "ended_at": "2026-09-01T16:05:00Z",
        "trial_end": "2026-08-08T16:04:59Z", "collection_paused": "void", "mode": "subscription", "session_id": "cs_1",
    ]
    static let customerDeletion: [String: JSONValue] = [
        "provider": "stripe", "provider_customer_id": "cus_1", "livemode": true,
    ]
    static let forget: [String: JSONValue] = [
        "account_id": account, "confirm": "6c0e7f6a-0000-8000-8000-000000000002", "force": true,
    ]
    static let forgotten: [String: JSONValue] = [
        "account_id": account, "forgotten_as": "6c0e7f6a-0000-8000-8000-000000000002", "forgotten": true,
        "forgotten_at": "2026-08-01T16:04:59Z", "running": ["sub_1"], "waiting_usages": 1,
        "customers": [["provider": "stripe", "provider_customer_id": "cus_1", "livemode": true]], "holds": 1,
        "subscriptions": 1, "updates": 1, "usages": 1, "counts": 1,
    ]
    static let usageRefusal: [String: JSONValue] = [
        "provider": "stripe", "livemode": true,
        "usages": [["idempotency_key": "k", "reason": "meter_event_customer_not_found"]],
    ]
    static let observe: [String: JSONValue] = [
        "account_id": account, "provider": "stripe", "provider_subscription_id": "sub_1", "status": "past_due",
    ]
    static let result: [String: JSONValue] = [
        "account_id": account, "status": "active", "applied": true, "undecided": true,
    ]
    static let usage: [String: JSONValue] = [
        "account_id": account, "event_id": "e", "feature": "a", "meter_event_name": "m", "quantity": 5,
        "occurred_at": 1_785_600_000, "hold_id": "h", "data": ["total_tokens": 7],
    ]
    static let usageAnswer: [String: JSONValue] = [
        "account_id": account, "meter_event_name": "m", "quantity": 5, "idempotency_key": "e", "status": "failed",
        "exported": false, "provider": "stripe", "provider_event_id": "x", "reason": "r", "queued": true,
    ]
    static let providerCheckout: [String: JSONValue] = [
        "account_id": account, "provider": "stripe", "feature": "a", "features": ["a"], "plan_id": "p",
        "price_id": "price_1", "prices": [["lookup_key": "k"], ["price_id": "p", "quantity": 2]], "lookup_key": "k",
        "quantity": 2, "mode": "payment", "success_url": "https://s", "cancel_url": "https://c",
        "return_url": "https://r", "customer_id": "cus_1", "email": "a@b", "idempotency_key": "k",
        "configuration_id": "bpc_1",
    ]
    static let page: [String: JSONValue] = [
        "account_id": account, "provider": "stripe", "url": "https://u", "session_id": "cs_1", "stripe_mode": "test",
        "livemode": false, "expires_at": "2026-08-01T16:04:59Z", "features": ["a"], "ignored_fields": ["x"],
    ]
    static let meter: [String: JSONValue] = [
        "account_id": account, "provider": "stripe", "customer_id": "cus_1", "meter": "m", "quantity": 5,
        "feature": "a", "event_id": "e", "idempotency_key": "k", "occurred_at": 1_785_600_000,
        "expires_at": 1_785_600_090, "customer_payload_key": "c", "value_payload_key": "v",
    ]
    static let meterAnswer: [String: JSONValue] = [
        "account_id": account, "provider": "stripe", "meter_event_name": "m", "quantity": 5, "idempotency_key": "k",
        "accepted": true, "duplicate": false, "reason": "r", "certain": true, "provider_event_id": "x",
        "stripe_mode": "live", "livemode": true,
    ]
    static let verdict: [String: JSONValue] = [
        "verified": true, "event_id": "evt_1", "event_type": "t", "livemode": false, "api_version": "v",
        "created": "2026-08-01T16:04:59Z", "supported": true, "account_id": account, "features": ["a"],
        "provider": "stripe", "status": "active", "subscription_update_emitted": true,
    ]
}
