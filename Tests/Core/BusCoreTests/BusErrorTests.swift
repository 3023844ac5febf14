import BusCore
import Testing

/// The codes of the contract, with their HTTP status and whether repeating can help.
struct BusErrorTests {
    private static let contract: [String: (status: Int, isRetryable: Bool)] = [
        "bad_request": (400, false), "invalid_auth": (401, false), "forbidden": (403, false),
        "not_found": (404, false), "method_not_allowed": (405, false), "request_timeout": (408, true),
        "conflict": (409, false), "gone": (410, false), "payload_too_large": (413, false),
        "rate_limited": (429, true), "backend_unavailable": (503, true), "not_ready": (503, true),
        "invalid_signature": (400, false), "events_unavailable": (503, true),
        "webhook_secret_unconfigured": (503, false), "invalid_request": (400, false),
        "forbidden_account": (403, false), "unsupported_provider": (400, false), "price_unresolved": (502, false),
        "customer_unresolved": (502, false), "webhook_signature_invalid": (400, false),
        "webhook_timestamp_out_of_tolerance": (400, false), "webhook_payload_invalid": (400, false),
        "stripe_auth_failed": (502, false), "stripe_error": (502, false), "stripe_unavailable": (503, true),
        "billing_unavailable": (503, true), "storage_unavailable": (503, true), "catalog_not_found": (404, false),
        "precondition_failed": (412, false), "bad_gateway": (502, false), "provider_error": (502, false),
        "provider_timeout": (503, true), "provider_unconfigured": (503, false), "internal_error": (500, true),
    ]

    @Test("every code has the contract's status and retry rule", arguments: BusError.Code.allCases)
    func agreement(code: BusError.Code) throws {
        let row = try #require(Self.contract[code.rawValue])
        #expect(code.httpStatus == row.status)
        #expect(code.isRetryable == row.isRetryable)
    }

    @Test("the contract has no code that the program lacks")
    func complete() {
        #expect(Set(Self.contract.keys) == Set(BusError.Code.allCases.map(\.rawValue)))
    }
}
