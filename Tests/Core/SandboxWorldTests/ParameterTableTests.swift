import BusCore
import TestSupport
import Testing

@testable import SandboxWorld

/// Every parameter that the world takes is one of Stripe's own package, and of its type.
@Suite(.timeLimit(.minutes(2))) struct ParameterTableTests {
    /// The package's class for each call that has one.
    private static let classes = [
        "POST /v1/products": "_product_create_params ProductCreateParams",
        "GET /v1/products": "_product_list_params ProductListParams",
        "GET /v1/products/search": "_product_search_params ProductSearchParams",
        "POST /v1/products/*": "_product_update_params ProductUpdateParams",
        "POST /v1/prices": "_price_create_params PriceCreateParams",
        "GET /v1/prices": "_price_list_params PriceListParams",
        "POST /v1/prices/*": "_price_update_params PriceUpdateParams",
        "POST /v1/customers": "_customer_create_params CustomerCreateParams",
        "POST /v1/customers/*": "_customer_update_params CustomerUpdateParams",
        "GET /v1/customers": "_customer_list_params CustomerListParams",
        "GET /v1/customers/search": "_customer_search_params CustomerSearchParams",
        "POST /v1/subscriptions": "_subscription_create_params SubscriptionCreateParams",
        "POST /v1/subscriptions/*": "_subscription_update_params SubscriptionUpdateParams",
        "GET /v1/subscriptions": "_subscription_list_params SubscriptionListParams",
        "DELETE /v1/subscriptions/*": "_subscription_cancel_params SubscriptionCancelParams",
        "POST /v1/subscriptions/*/resume": "_subscription_resume_params SubscriptionResumeParams",
        "POST /v1/subscription_schedules": "_subscription_schedule_create_params SubscriptionScheduleCreateParams",
        "GET /v1/subscription_schedules": "_subscription_schedule_list_params SubscriptionScheduleListParams",
        "POST /v1/subscription_schedules/*": "_subscription_schedule_update_params SubscriptionScheduleUpdateParams",
        "POST /v1/subscription_schedules/*/release":
            "_subscription_schedule_release_params SubscriptionScheduleReleaseParams",
        "POST /v1/subscription_schedules/*/cancel":
            "_subscription_schedule_cancel_params SubscriptionScheduleCancelParams",
        "GET /v1/invoices": "_invoice_list_params InvoiceListParams",
        "GET /v1/invoiceitems": "_invoice_item_list_params InvoiceItemListParams",
        "POST /v1/invoices/*/pay": "_invoice_pay_params InvoicePayParams",
        "GET /v1/events": "_event_list_params EventListParams",
        "POST /v1/webhook_endpoints": "_webhook_endpoint_create_params WebhookEndpointCreateParams",
        "POST /v1/webhook_endpoints/*": "_webhook_endpoint_update_params WebhookEndpointUpdateParams",
        "POST /v1/checkout/sessions": "checkout._session_create_params SessionCreateParams",
        "POST /v1/checkout/sessions/*": "checkout._session_update_params SessionUpdateParams",
        "GET /v1/checkout/sessions": "checkout._session_list_params SessionListParams",
        "POST /v1/billing_portal/sessions": "billing_portal._session_create_params SessionCreateParams",
        "POST /v1/billing_portal/configurations":
            "billing_portal._configuration_create_params ConfigurationCreateParams",
        "POST /v1/billing_portal/configurations/*":
            "billing_portal._configuration_update_params ConfigurationUpdateParams",
        "GET /v1/billing_portal/configurations": "billing_portal._configuration_list_params ConfigurationListParams",
        "POST /v1/billing/meters": "billing._meter_create_params MeterCreateParams",
        "POST /v1/billing/meters/*": "billing._meter_update_params MeterUpdateParams",
        "GET /v1/billing/meters": "billing._meter_list_params MeterListParams",
        "POST /v1/billing/meter_events": "billing._meter_event_create_params MeterEventCreateParams",
        "POST /v1/billing/meter_event_adjustments":
            "billing._meter_event_adjustment_create_params MeterEventAdjustmentCreateParams",
        "GET /v1/billing/meters/*/event_summaries":
            "billing._meter_event_summary_list_params MeterEventSummaryListParams",
    ]

    /// Lists of every kind can be narrowed by time here; and the package knows the names of all types and versions.
    private static let ours = ["created: unknown parameter", "api_version: 'eur' is", "enabled_events[0]: 'eur' is"]

    @Test func tablesAreThoseOfThePackage() async throws {
        var lines: [String] = []
        var names: [String] = []
        for route in CallRoute.all {
            let name = "\(route.method.rawValue) /" + route.segments.joined(separator: "/")
            guard let type = Self.classes[name] else { continue }
            names.append(name)
            let pairs = route.parameters.sorted { $0.key < $1.key }.flatMap { Self.pairs($0.value, $0.key) }
            let form = pairs.map { "\($0)=\($1)" }.joined(separator: "&")
            let line: JSONValue = ["call": .string(type), "form": .string(form)]
            lines.append(String(decoding: line.serialized(), as: UTF8.self))
            // What the table says is what the check takes.
            let tree = try #require(ParameterTree(encoded: form), "\(name)")
            #expect(throws: Never.self, "\(name)") { try ParameterShape.check(tree, against: route.parameters) }
        }
        #expect(Set(names) == Set(Self.classes.keys), "a call has another path now")
        for (name, line) in zip(names, try await Judge.run("check_forms", lines: lines)) {
            let faults = try JSONValue(parsing: Array(line.utf8))["faults"]?.elements?.compactMap(\.text) ?? []
            #expect(faults.filter { fault in !Self.ours.contains { fault.hasPrefix($0) } } == [], "\(name)")
        }
    }

    /// One value for every parameter.
    private static func pairs(_ shape: ParameterShape, _ name: String) -> [(String, String)] {
        switch shape {
        case .text: [(name, "eur")]
        case .url: [(name, "https://a.example")]
        case .email: [(name, "a@b.example")]
        case .integer(let range): [(name, String(max(range.lowerBound, 0)))]
        case .decimal: [(name, "1.5")]
        case .flag: [(name, "true")]
        case .choice(let words): [(name, words[0])]
        case .metadata, .texts: [("\(name)[k]", "v")]
        case .keyed(let table): members(table, "\(name)[usd]")
        case .list(let element, _): pairs(element, "\(name)[0]")
        case .object(let table): members(table, name)
        case .word(let words, _): [(name, words[0])]
        case .clearable(let shape), .required(let shape), .either(let shape, _): pairs(shape, name)
        case .anything: []
        }
    }

    private static func members(_ table: [String: ParameterShape], _ name: String) -> [(String, String)] {
        table.sorted { $0.key < $1.key }.flatMap { pairs($0.value, "\(name)[\($0.key)]") }
    }
}
