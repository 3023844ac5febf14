/// An error as it leaves a boundary: a code, a text that is safe to show, and a cause that is only logged.
package struct BusError: Error {
    /// What happened, in the contract's words.
    package let code: Code
    /// Lower-case fact, then the remedy; never a secret.
    package let message: String
    /// What was caught; logged, never sent.
    package let cause: (any Error)?
    /// The `type` in the body: the code, or the code of the worker whose answer this passes on.
    package let type: String
    /// The command that helps, `bus billing setup`.
    package let command: String?
    /// True when the same request with the same idempotency key may succeed later.
    package let isRetryable: Bool

    /// An error with a message a caller can act on; whether asking again helps follows from the code unless said.
    package init(
        _ code: Code, _ message: String, cause: (any Error)? = nil, type: String? = nil, command: String? = nil,
        isRetryable: Bool? = nil
    ) {
        self.code = code
        self.message = message
        self.cause = cause
        self.type = type ?? code.rawValue
        self.command = command
        self.isRetryable = isRetryable ?? code.isRetryable
    }
}

extension BusError {
    /// Every code the services answer with (docs/contract/events.md, "Error codes").
    package enum Code: String, CaseIterable, Sendable {
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
            case .conflict: 409
            case .gone: 410
            case .preconditionFailed: 412
            case .payloadTooLarge: 413
            case .rateLimited: 429
            case .internalError: 500
            case .stripeAuthFailed, .stripeError, .priceUnresolved, .customerUnresolved, .badGateway, .providerError:
                502
            case .backendUnavailable, .notReady, .eventsUnavailable, .webhookSecretUnconfigured, .stripeUnavailable,
                .billingUnavailable, .storageUnavailable, .providerTimeout, .providerUnconfigured:
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
}
