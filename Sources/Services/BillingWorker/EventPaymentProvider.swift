import BillingCore
import BusClient
import BusCore

/// A payment company behind the Events API: its worker answers `bus.<label>.*` requests (bus.md 6.3, D-37).
package struct EventPaymentProvider: PaymentProvider {
    /// The company's label.
    package let label: String
    /// Its worker hands usage over to the real company.
    package var needsCustomer: Bool { true }

    private let names: ProviderEventNames
    private let requests: RequestReply
    private let timeout: Duration

    /// A company whose worker answers within `timeout`.
    package init(names: ProviderEventNames, requests: RequestReply, timeout: Duration) {
        label = names.label
        self.names = names
        self.requests = requests
        self.timeout = timeout
    }

    /// Asks for a checkout page; the outer request's correlation id makes repeating it harmless.
    package func checkoutSession(
        _ offer: CheckoutOffer, customerID: String?, correlationID: String
    ) async throws -> ProviderSession {
        let payload = offer.payload(customerID: customerID, idempotencyKey: correlationID)
        return try session(in: await ask(names.checkout, payload, correlationID))
    }

    /// Asks for a portal page.
    package func portalSession(
        _ request: PortalSessionRequest, customerID: String?, correlationID: String
    ) async throws -> ProviderSession {
        let payload = JSONText { writer in
            writer.object { writer in
                writer.member("account_id", request.accountID)
                writer.member("provider", label)
                writer.member("provider_customer_id", optional: customerID)
                writer.member("return_url", optional: request.returnURL)
                writer.member("idempotency_key", correlationID)
            }
        }
        return try session(in: await ask(names.portal, payload, correlationID))
    }

    /// Hands usage over; only a refusal that repeating cannot change counts as one.
    package func recordUsage(
        _ request: UsageExportRequest, customerID: String?, correlationID: String
    ) async -> UsageOutcome {
        do {
            let payload = request.meterPayload(provider: label, customerID: customerID)
            let response = try await ask(names.meter, payload, correlationID)
            guard response["accepted"]?.flag == true else { return .unknown(reason: "provider_error") }
            return .accepted(providerEventID: response["provider_event_id"]?.text)
        } catch let failure as ProviderFailure {
            return failure.isRetryable ? .unknown(reason: failure.code) : .refused(reason: failure.code)
        } catch {
            return .unknown(reason: BusError.Code.billingUnavailable.rawValue)
        }
    }

    /// The payload of the worker's answer.
    private func ask(_ name: EventName, _ payload: JSONText, _ correlationID: String) async throws -> JSONValue {
        let response: EventEnvelope
        do {
            response = try await requests.call(
                name, payload, metadata: ["billing.parent_correlation_id": correlationID], within: timeout)
        } catch RequestReplyFault.timedOut {
            throw ProviderFailure(
                code: BusError.Code.providerTimeout.rawValue,
                message: "the \(label) worker did not answer in time; check that it runs, and try again",
                isRetryable: true)
        } catch let fault as RequestReplyFault {
            throw BusError(.billingUnavailable, "the Events API cannot be used now; try again", cause: fault)
        }
        if let error = response.error {
            let isRetryable = response.metadata["\(label).retryable"] == "true"
            throw ProviderFailure(code: error.code, message: error.message, isRetryable: isRetryable)
        }
        guard let answer = try? response.payload.value() else { throw ProviderFailure.nonsense(label) }
        return answer
    }

    private func session(in answer: JSONValue) throws -> ProviderSession {
        guard let url = answer["url"]?.text?.nonEmpty else { throw ProviderFailure.nonsense(label) }
        return ProviderSession(url: url, provider: answer["provider"]?.text?.nonEmpty ?? label)
    }
}

/// What the payment company's worker said against a request; its code goes on as it came.
package struct ProviderFailure: Error {
    let code: String
    let message: String
    let isRetryable: Bool

    static func nonsense(_ label: String) -> ProviderFailure {
        ProviderFailure(
            code: BusError.Code.providerError.rawValue,
            message: "the \(label) worker's answer makes no sense; check its version", isRetryable: false)
    }
}

/// The names a payment company's worker answers (D-37).
package struct ProviderEventNames: Sendable {
    /// The company's label.
    package let label: String
    /// Requests to its worker.
    package let checkout: EventName
    package let portal: EventName
    package let meter: EventName

    /// The names of a label; nil for a label that makes no event name.
    package init?(label: String) {
        guard let checkout = EventName("bus.\(label).checkout_session.create.request"),
            let portal = EventName("bus.\(label).portal_session.create.request"),
            let meter = EventName("bus.\(label).meter_event.record.request")
        else { return nil }
        self.label = label
        self.checkout = checkout
        self.portal = portal
        self.meter = meter
    }

    /// What its worker answers with.
    package var responses: [EventName] { [checkout, portal, meter].compactMap(\.response) }
}
