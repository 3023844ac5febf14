import BusContract
import BusCore
import StripeCore
import Synchronization
import TestSupport

@testable import StripeIntegration

/// Subscriptions whose reading takes a while, and a count of readings that overlapped.
final class SlowGateway: StripeGateway {
    private struct State {
        var underWay: Set<String> = []
        var overlaps = 0
    }

    private let state = Mutex(State())

    var overlaps: Int { state.withLock { $0.overlaps } }

    func subscription(id: String, deadline: ContinuousClock.Instant) async throws -> ObservedSubscription {
        state.withLock { if !$0.underWay.insert(id).inserted { $0.overlaps += 1 } }
        for _ in 0..<20 { await Task.yield() }
        state.withLock { _ = $0.underWay.remove(id) }
        let metadata = #"{"bus_account_id":"\#(StripeFixture.accountID)","bus_feature":"a"}"#
        let object = try StripeEventObject(Array(#"{"id":"\#(id)","status":"active","metadata":\#(metadata)}"#.utf8))
        return ObservedSubscription(object, answeredAt: Timestamp(clampingSeconds: 1_785_600_605))
    }

    func checkoutSession(_: CheckoutRequest, deadline _: ContinuousClock.Instant) async throws -> StripeSession {
        throw unasked
    }
    func portalSession(_: PortalRequest, deadline _: ContinuousClock.Instant) async throws -> StripeSession {
        throw unasked
    }
    func recordMeterEvent(_: MeterRequest, deadline _: ContinuousClock.Instant) async throws -> MeterReceipt {
        throw unasked
    }
    func meterErrors(eventID _: String, deadline _: ContinuousClock.Instant) async throws -> MeterErrorReport {
        throw unasked
    }

    private var unasked: BusError { BusError(.internalError, "only subscriptions are read here") }
}
