import BusCore
import Synchronization

/// What the double knows and remembers; one pure step per request.
package struct StripeWorld: Sendable {
    /// Faults to come, first first.
    package var faults: [StripeDouble.Fault] = []
    /// Active prices: id and whether metered, by lookup key.
    package var prices: [String: (id: String, isMetered: Bool)] = [:]
    /// Products, prices and meters as a catalog sync sees them.
    package var catalog = StripeCatalogModel()
    /// Faults of single requests, by how many requests came before.
    package var faultsAt: [Int: StripeDouble.Fault] = [:]
    /// Customers by account, as a search finds them.
    package var customers: [String: [String]] = [:]
    /// Customers that were made by a call, by account; a search finds them at once unless it lags.
    package var madeCustomers: [String: [String]] = [:]
    /// A search does not find customers that were made by a call.
    package var searchLags = false
    /// E-mail addresses of customers.
    package var emails: [String: String] = [:]
    /// Prices and customers that do not exist any more, while all others do; a search finds them still.
    package var missing: Set<String> = []
    /// Calls that the key may not make, `POST /v1/customers`.
    package var forbidden: Set<String> = []
    /// Checkout Sessions that are not open any more, with their status.
    package var endedSessions: [String: String] = [:]
    /// Checkout Sessions that came to be, with their forms.
    package var checkouts: [[String: String]] = []
    /// Subscription status by id.
    package var subscriptions: [String: String] = [:]
    /// What subscriptions have beside id and status, as members of JSON.
    package var subscriptionMembers = ""
    /// False answers portal sessions as an account that never saved its portal settings.
    package var isPortalConfigured = true

    package var requests: [StripeDouble.Request] = []
    var sessionCount = 0
    /// Usage that came to be: quantity by identifier.
    package var meterEvents: [String: String] = [:]
    var meterCallsInFlight = 0
    var meterConcurrencyMax = 0
    private var kept: [String: (request: String, reply: Reply)] = [:]

    /// An answer.
    package struct Reply: Sendable {
        package var status = 200
        package var headers: [String: String] = [:]
        package var body: String

        static func error(
            _ status: Int, _ type: String, _ message: String, code: String? = nil, param: String? = nil
        ) -> Reply {
            var members: [String: JSONValue] = ["type": .string(type), "message": .string(message)]
            if let code { members["code"] = .string(code) }
            if let param { members["param"] = .string(param) }
            let body = JSONValue.object(["error": .object(members)]).serialized()
            return Reply(status: status, body: String(decoding: body, as: UTF8.self))
        }
    }

    /// A world without faults.
    package init() {}

    /// Works without a network, with the keys that the network would carry.
    package mutating func work(_ method: String, _ path: String, _ form: String, key: String?) -> Reply {
        var headers = ["authorization": "Bearer sk_\(catalog.isLive ? "live" : "test")_x"]
        headers["idempotency-key"] = key
        let isGet = method == "GET"
        return answer(
            StripeDouble.Request(
                method: method, path: path, query: isGet ? form : "", headers: headers, body: isGet ? "" : form)
        ).reply
    }

    /// Works unless the next fault says otherwise; `isWatched` for calls whose overlap is counted.
    mutating func answer(
        _ request: StripeDouble.Request
    ) -> (reply: Reply, fault: StripeDouble.Fault?, isWatched: Bool) {
        let due = faultsAt[requests.count]
        requests.append(request)
        let fault = due ?? (faults.isEmpty ? nil : faults.removeFirst())
        let isMeter = request.path == "/v1/billing/meter_events"
        if isMeter {
            meterCallsInFlight += 1
            meterConcurrencyMax = max(meterConcurrencyMax, meterCallsInFlight)
        }
        switch fault {
        case .status, .resetBeforeCommit, .silence: return (Reply(body: ""), fault, isMeter)
        case .storedStatus(let status):
            let reply = Reply.error(status, "api_error", "An unknown error occurred")
            let key = request.method == "POST" ? request.headers["idempotency-key"] : nil
            guard let key, kept[key] != nil else {
                if let key { kept[key] = ("\(request.path)\n\(request.body)", reply) }
                return (reply, fault, isMeter)
            }
            return (keyed(request), fault, isMeter)
        default: return (keyed(request), fault, isMeter)
        }
    }

    /// The stored answer of a key, or the work and its answer, stored.
    private mutating func keyed(_ request: StripeDouble.Request) -> Reply {
        let authorization = request.headers["authorization"] ?? ""
        guard authorization.hasPrefix("Bearer sk_\(catalog.isLive ? "live" : "test")_") else {
            return .error(401, "invalid_request_error", "Invalid API Key provided: sk_test_****1234")
        }
        guard request.method == "POST", let key = request.headers["idempotency-key"] else { return work(request) }
        let content = "\(request.path)\n\(request.body)"
        if let (earlier, reply) = kept[key] {
            if earlier == content {
                var reply = reply
                reply.headers["Idempotent-Replayed"] = "true"
                return reply
            }
            return .error(400, "idempotency_error", "Keys for idempotent requests can only be used with the same …")
        }
        let reply = work(request)
        // A refused parameter is not kept.
        if ![400, 403, 404].contains(reply.status) { kept[key] = (content, reply) }
        return reply
    }

    private mutating func work(_ request: StripeDouble.Request) -> Reply {
        let form = Dictionary(
            StripeFormReader.pairs(request.body.isEmpty ? request.query : request.body).map { ($0[0], $0[1]) },
            uniquingKeysWith: { "\($0),\($1)" })
        if forbidden.contains("\(request.method) \(request.path)") {
            let message = "The provided key 'rk_test_****' does not have the required permissions for this endpoint."
            return .error(403, "invalid_request_error", message)
        }
        if request.method == "GET", request.path.hasPrefix("/v1/prices/") { return price(request.path) }
        if form["lookup_keys[]"] == nil, let reply = catalog.answer(request.method, request.path, form) { return reply }
        switch request.path {
        case "/v1/account": return Reply(body: #"{"id":"acct_double","object":"account"}"#)
        case "/v1/balance": return Reply(body: #"{"object":"balance","livemode":\#(catalog.isLive)}"#)
        case "/v1/checkout/sessions": return checkout(form)
        case "/v1/billing_portal/sessions":
            if let gone = goneCustomer(form) { return gone }
            if !isPortalConfigured {
                return .error(
                    400, "invalid_request_error",
                    "No configuration provided and your test mode default configuration has not been created. …")
            }
            return session("bps_\(sessionCount + 1)", "billing_portal.session", form)
        case "/v1/prices": return list(prices(form["lookup_keys[]"] ?? ""))
        case "/v1/customers" where request.method == "POST": return customer(form)
        case "/v1/customers/search": return list(search(form["query"] ?? ""))
        case "/v1/billing/meter_events": return meter(form)
        case let path where path.hasPrefix("/v1/checkout/sessions/"): return checkout(at: path)
        case let path where path.hasPrefix("/v1/customers/"): return customer(at: path, form)
        default: return subscription(request.path)
        }
    }

    mutating func session(_ id: String, _ object: String, _ form: [String: String]) -> Reply {
        sessionCount += 1
        let url = "https://pages.example/\(id)#fid"
        return Reply(
            body: #"{"id":"\#(id)","object":"\#(object)","status":"open","url":"\#(url)","expires_at":1785686400,"#
                + #""livemode":false}"#)
    }

    private mutating func meter(_ form: [String: String]) -> Reply {
        let identifier = form["identifier"] ?? ""
        if meterEvents[identifier] != nil {
            var reply = Reply.error(
                400, "invalid_request_error", "An event already exists with identifier \(identifier).")
            reply.headers["Stripe-Should-Retry"] = "false"
            return reply
        }
        meterEvents[identifier] = form["payload[value]"] ?? ""
        return Reply(body: #"{"object":"billing.meter_event","identifier":"\#(identifier)","livemode":false}"#)
    }

    private func prices(_ keys: String) -> [String] {
        keys.split(separator: ",").compactMap { key in
            prices[String(key)].map { price in
                let usage = price.isMetered ? "metered" : "licensed"
                return #"{"id":"\#(price.id)","lookup_key":"\#(key)","recurring":{"usage_type":"\#(usage)"}}"#
            } ?? synced(String(key))
        }
    }

    /// An active price that a catalog sync made.
    private func synced(_ key: String) -> String? {
        let price = catalog.objects[StripeCatalogModel.prices]?.first {
            $0["lookup_key"] == .string(key) && $0["active"] == true
        }
        return price.map { String(decoding: JSONValue.object($0).serialized(), as: UTF8.self) }
    }

    private func list(_ elements: [String]) -> Reply {
        Reply(body: #"{"object":"list","data":[\#(elements.joined(separator: ","))],"has_more":false}"#)
    }

    private func subscription(_ path: String) -> Reply {
        let id = path.split(separator: "/").last.map(String.init) ?? ""
        guard path == "/v1/subscriptions/\(id)", let status = subscriptions[id] else {
            return .error(404, "invalid_request_error", "No such subscription: '\(id)'", code: "resource_missing")
        }
        return Reply(body: #"{"id":"\#(id)","object":"subscription","status":"\#(status)"\#(subscriptionMembers)}"#)
    }
}

/// The world behind its lock, shared by all connections.
final class StripeWorldBox: Sendable {
    let state: Mutex<StripeWorld>

    init(_ faults: [StripeDouble.Fault]) {
        var world = StripeWorld()
        world.faults = faults
        state = Mutex(world)
    }
}
