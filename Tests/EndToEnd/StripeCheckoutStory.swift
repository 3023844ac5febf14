import BusCore
import TestSupport

/// The webhooks of one checkout and of its end, as Stripe sends them, about an account and a plan of the test's choice.
struct StripeCheckoutStory {
    let account: String
    let plan: String
    /// The second that all events of the checkout share.
    let second: Int64

    /// The three events of a checkout in the order in which they are hardest to judge: the first one comes last.
    func checkout() throws -> [[UInt8]] {
        [
            try event(
                "customer.subscription.updated", "evt_story_paid", at: second, ["status": "active"],
                previous: ["status": "incomplete"]),
            try event("checkout.session.completed", "evt_story_checkout", at: second, [:]),
            try event("customer.subscription.created", "evt_story_created", at: second, ["status": "incomplete"]),
        ]
    }

    /// The subscription's end, a second later.
    func end() throws -> [UInt8] {
        try event("customer.subscription.deleted", "evt_story_deleted", at: second + 1, ["status": "canceled"])
    }

    private func event(
        _ type: String, _ id: String, at second: Int64, _ changes: [String: JSONValue], previous: JSONValue? = nil
    ) throws -> [UInt8] {
        guard case .object(var event) = try JSONValue(parsing: try StripeFixture.event(type)),
            case .object(var data) = event["data"], case .object(var object) = data["object"]
        else { throw UnexpectedAnswer(text: "\(type) has another shape") }
        object.merge(changes) { $1 }
        object["metadata"] = [
            "bus_account_id": .string(account), "bus_feature": "llm:proxy", "bus_features": "llm:proxy",
            "bus_plan_id": .string(plan),
        ]
        if object["client_reference_id"] != nil { object["client_reference_id"] = .string(account) }
        data["object"] = .object(object)
        data["previous_attributes"] = previous
        event["data"] = .object(data)
        event["id"] = .string(id)
        event["created"] = .integer(second)
        return JSONValue.object(event).serialized()
    }
}
