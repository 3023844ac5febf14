/// Every code the services answer with (docs/contract/events.md, "Error codes").
package enum ErrorCode: String, CaseIterable, Sendable {
    case badRequest = "bad_request"
    case invalidAuth = "invalid_auth"
    case forbidden
    case notFound = "not_found"
    case methodNotAllowed = "method_not_allowed"
    case requestTimeout = "request_timeout"
    case conflict
    case gone
    case payloadTooLarge = "payload_too_large"
    case rateLimited = "rate_limited"
    case backendUnavailable = "backend_unavailable"
    case notReady = "not_ready"

    case invalidSignature = "invalid_signature"
    case eventsUnavailable = "events_unavailable"
    case webhookSecretUnconfigured = "webhook_secret_unconfigured"

    case invalidRequest = "invalid_request"
    case forbiddenAccount = "forbidden_account"
    case unsupportedProvider = "unsupported_provider"
    case priceUnresolved = "price_unresolved"
    case customerUnresolved = "customer_unresolved"
    case stripeUnconfigured = "stripe_unconfigured"
    case alreadySubscribed = "already_subscribed"
    case webhookSignatureInvalid = "webhook_signature_invalid"
    case webhookTimestampOutOfTolerance = "webhook_timestamp_out_of_tolerance"
    case webhookPayloadInvalid = "webhook_payload_invalid"
    case stripeAuthFailed = "stripe_auth_failed"
    case stripeError = "stripe_error"
    case stripeUnavailable = "stripe_unavailable"

    case billingUnavailable = "billing_unavailable"
    case storageUnavailable = "storage_unavailable"
    case catalogNotFound = "catalog_not_found"
    case preconditionFailed = "precondition_failed"
    case planInUse = "plan_in_use"
    case accountInUse = "account_in_use"
    case accountForgotten = "account_forgotten"
    case badGateway = "bad_gateway"
    case providerError = "provider_error"
    case providerTimeout = "provider_timeout"
    case providerUnconfigured = "provider_unconfigured"

    case internalError = "internal_error"

    /// The HTTP status the code is answered with.
    package var httpStatus: Int {
        switch self {
        case .badRequest, .invalidSignature, .invalidRequest, .unsupportedProvider, .webhookSignatureInvalid,
            .webhookTimestampOutOfTolerance, .webhookPayloadInvalid:
            400
        case .invalidAuth: 401
        case .forbidden, .forbiddenAccount: 403
        case .notFound, .catalogNotFound: 404
        case .methodNotAllowed: 405
        case .requestTimeout: 408
        case .conflict, .alreadySubscribed, .planInUse, .accountInUse: 409
        case .gone, .accountForgotten: 410
        case .preconditionFailed: 412
        case .payloadTooLarge: 413
        case .rateLimited: 429
        case .internalError: 500
        case .stripeAuthFailed, .stripeError, .priceUnresolved, .customerUnresolved, .badGateway, .providerError:
            502
        case .backendUnavailable, .notReady, .eventsUnavailable, .webhookSecretUnconfigured, .stripeUnavailable,
            .billingUnavailable, .storageUnavailable, .providerTimeout, .providerUnconfigured,
            .stripeUnconfigured:
            503
        }
    }

    /// True when the same request with the same idempotency key may succeed later.
    package var isRetryable: Bool {
        switch self {
        case .requestTimeout, .rateLimited, .backendUnavailable, .notReady, .eventsUnavailable, .stripeUnavailable,
            .billingUnavailable, .storageUnavailable, .providerTimeout, .internalError:
            true
        default: false
        }
    }
}
