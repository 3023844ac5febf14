import BillingCore
import BusClient
import BusContract
import BusCore

/// A payment company behind the Events API: its worker answers `bus.<label>.*` requests
/// (docs/contract/billing.md, "Payment provider").
struct EventPaymentProvider: PaymentProvider {
    var label: String { provider.text }
    /// Its worker hands usage over to the real company.
    var needsCustomer: Bool { true }
    var answerTime: Duration { timeout }

    let provider: ProviderLabel
    let requests: RequestReply
    let timeout: Duration

    /// Asks for a checkout page; the outer request's correlation id makes repeating it harmless.
    func checkoutSession(
        _ offer: CheckoutOffer, customerID: String?, correlationID: String
    ) async throws -> ProviderSession {
        let request = offer.providerRequest(customerID: customerID, idempotencyKey: correlationID)
        return session(try await ask(.checkout(at: provider), request, correlationID).page)
    }

    func portalSession(
        _ request: PortalSessionRequest, customerID: String?, correlationID: String
    ) async throws -> ProviderSession {
        var portal = ProviderPortalRequest(accountID: request.accountID)
        portal.provider = label
        portal.customerID = customerID
        portal.returnURL = request.returnURL
        portal.idempotencyKey = correlationID
        return session(try await ask(.portal(at: provider), portal, correlationID).page)
    }

    /// Hands usage over; only a refusal of the usage itself ends it.
    func recordUsage(_ sending: UsageSending, correlationID: String) async -> UsageOutcome {
        do {
            let answer = try await ask(.meterEvent(at: provider), sending.meterEvent, correlationID)
            if answer.isAccepted { return .accepted(providerEventID: answer.providerEventID) }
            let code = answer.reason ?? ErrorCode.providerError.rawValue
            let isRetryable = ErrorCode(rawValue: code)?.isRetryable ?? false
            return UsageOutcome(failure: code, isRetryable: isRetryable, isCertain: answer.isCertain)
        } catch let error as BusError {
            return UsageOutcome(failure: error.type, isRetryable: error.isRetryable, isCertain: false)
        } catch {
            return .unknown(reason: ErrorCode.billingUnavailable.rawValue)
        }
    }

    /// Asks for a subscription to be read again; what is read comes as an update of its own.
    func observe(_ accountID: String, subscriptionID: String) async throws {
        var request = ObserveRequest(accountID: accountID, providerSubscriptionID: subscriptionID)
        request.provider = label
        _ = try await ask(.observe(at: provider), request, subscriptionID)
    }

    /// The worker's answer; its errors keep their words.
    private func ask<Request, Response>(
        _ exchange: Exchange<Request, Response>, _ request: Request, _ correlationID: String
    ) async throws -> Response {
        do {
            return try await requests.ask(
                exchange, request, metadata: ["billing.parent_correlation_id": correlationID], within: timeout
            ).answer
        } catch RequestReplyFault.timedOut {
            throw BusError(
                .providerTimeout, "the \(label) worker did not answer in time; check that it runs, and try again")
        } catch let fault as RequestReplyFault {
            throw BusError(.billingUnavailable, "the Events API cannot be used now; try again", cause: fault)
        } catch ReplyFault.refused(let refusal) {
            throw BusError(
                refusal.code ?? .providerError, refusal.message, type: refusal.word, command: refusal.command,
                isRetryable: refusal.isRetryable)
        } catch let fault as ReplyFault {
            throw BusError(
                .providerError, "the \(label) worker's answer makes no sense; check its version", cause: fault)
        }
    }

    private func session(_ page: ProviderPage) -> ProviderSession {
        ProviderSession(url: page.url, provider: page.provider?.nonEmpty ?? label)
    }
}

extension ProviderLabel {
    /// What the company's worker is asked.
    var exchanges: [ExchangeRules] {
        [
            Exchange.checkout(at: self).rules, Exchange.portal(at: self).rules, Exchange.meterEvent(at: self).rules,
            Exchange.observe(at: self).rules,
        ]
    }
}
