import BusCore
import TestSupport
import Testing

@testable import EventsAPI

struct DeliveryRulesTests {
    private let now = Timestamp(clampingSeconds: 1_000)

    @Test func theWaitDoublesFromOneSecondToAMinute() {
        let waits = (1...9).map { attempt -> Int64? in
            let state = DeliveryState(attempt: attempt, isLeased: true, availableAt: now.advanced(bySeconds: 30))
            let action = state.acknowledging(.retry(code: nil, delaySeconds: nil), attempt: attempt, at: now)
            guard case .wait(let next) = action else { return nil }
            return next.availableAt.seconds - now.seconds
        }
        #expect(waits == [1, 2, 4, 8, 16, 32, 60, 60, 60])
    }

    @Test func theTenthFailureParks() {
        let held = DeliveryState(attempt: 10, isLeased: true, availableAt: now.advanced(bySeconds: 30))
        #expect(
            held.acknowledging(.retry(code: nil, delaySeconds: 5), attempt: 10, at: now)
                == .park(code: "retry_exhausted"))
        #expect(
            held.acknowledging(.retry(code: "stripe_error", delaySeconds: nil), attempt: 10, at: now)
                == .park(code: "stripe_error"))
        let expired = DeliveryState(attempt: 10, isLeased: true, availableAt: now)
        #expect(expired.claiming(leaseSeconds: 30, at: now) == .park(code: "retry_exhausted"))
    }

    @Test func onlyTheHolderOfARunningLeaseIsHeard() {
        let state = DeliveryState(attempt: 2, isLeased: true, availableAt: now)
        #expect(state.acknowledging(.done, attempt: 2, at: now) == .unknown)
        #expect(state.acknowledging(.done, attempt: 1, at: now.advanced(bySeconds: -1)) == .unknown)
        #expect(state.acknowledging(.done, attempt: 2, at: now.advanced(bySeconds: -1)) == .remove)
        let waiting = DeliveryState(attempt: 2, isLeased: false, availableAt: now.advanced(bySeconds: 9))
        #expect(waiting.acknowledging(.done, attempt: 2, at: now) == .unknown)
        #expect(waiting.claiming(leaseSeconds: 30, at: now) == .notYet)
    }

    @Test func idsAreReadBack() {
        let id = DeliveryID(sequence: 1_780_000_000_000_000_000, attempt: 3)
        #expect(DeliveryID(id.text) == id)
        for text in ["", "dlv_1", "dlv_1_2_3", "dlv_x_1", "evt_1_1"] { #expect(DeliveryID(text) == nil) }
    }

    /// Whatever a consumer does, a delivery is attempted at most ten times and ends done or parked.
    @Test func everyDeliveryEnds() {
        var random = SeededGenerator(seed: PropertySettings.seed)
        for _ in 0..<PropertySettings.rounds(200, proof: 100_000) {
            var state = DeliveryState(attempt: 0, isLeased: false, availableAt: now)
            var time = now
            var deliveries = 0
            var isOver = false
            for _ in 0..<1_000 where !isOver {
                switch state.claiming(leaseSeconds: 30, at: time) {
                case .notYet: time = state.availableAt
                case .park: isOver = true
                case .deliver(let next):
                    deliveries += 1
                    state = next
                    let attempt = state.attempt - Int.random(in: 0...1, using: &random)
                    let outcome: DeliveryOutcome =
                        Int.random(in: 0..<30, using: &random) == 0
                        ? .done : .retry(code: nil, delaySeconds: Int.random(in: 0...5, using: &random))
                    switch state.acknowledging(outcome, attempt: attempt, at: time) {
                    case .unknown: time = state.availableAt
                    case .wait(let next): state = next
                    case .remove, .park: isOver = true
                    }
                }
            }
            #expect(isOver && deliveries <= Limits.deliveryAttemptsMax, "seed \(PropertySettings.seed)")
        }
    }
}
