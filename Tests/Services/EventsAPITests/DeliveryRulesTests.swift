import BusCore
import TestSupport
import Testing

@testable import EventsAPI

struct DeliveryRulesTests {
    private let now = Timestamp(clampingSeconds: 1_785_600_000)

    private func held(_ attempt: Int = 1) -> DeliveryState {
        DeliveryState(attempt: attempt, isLeased: true, availableAt: now.advanced(bySeconds: 30))
    }

    @Test("the table of parking codes has every code of the server's")
    func parkingCodes() throws {
        let documented = try ContractTable("events", "Parking codes").names.filter { !$0.isEmpty }
        let known = [
            DeliveryState.exhausted, DeliveryState.unansweredCode, DeliveryState.malformed, DeliveryState.rejected,
        ]
        #expect(documented.sorted() == known.sorted())
    }

    @Test func theWaitDoublesFromOneSecondToFiveMinutes() {
        let waits = (0..<20).map { failures -> Int64? in
            var state = held()
            state.failures = failures
            let action = state.acknowledging(.retry(code: nil, delaySeconds: nil), attempt: 1, at: now)
            guard case .wait(let next) = action else { return nil }
            return next.availableAt.seconds - now.seconds
        }
        #expect(waits == [1, 2, 4, 8, 16, 32, 64, 128, 256] + [Int64](repeating: 300, count: 11))
    }

    @Test func failuresParkAfterADayAndNotBefore() {
        var state = held(900)
        state.failures = 900
        state.failingSince = now.advanced(bySeconds: -86_399)
        guard case .wait(let next) = state.acknowledging(.retry(code: nil, delaySeconds: 5), attempt: 900, at: now)
        else {
            Issue.record("parked before a day was over")
            return
        }
        #expect(next.failingSince == state.failingSince && next.failures == 901)
        state.failingSince = now.advanced(bySeconds: -86_400)
        #expect(
            state.acknowledging(.retry(code: nil, delaySeconds: 5), attempt: 900, at: now)
                == .park(code: "retry_exhausted"))
        #expect(
            state.acknowledging(.retry(code: "stripe_error", delaySeconds: nil), attempt: 900, at: now)
                == .park(code: "stripe_error"))
    }

    @Test func theTenthLeaseInARowWithoutAnAnswerParks() {
        var state = held(700)
        state.availableAt = now
        state.unanswered = 8
        guard case .deliver(let next) = state.claiming(leaseSeconds: 30, at: now) else {
            Issue.record("parked too early")
            return
        }
        #expect(next.unanswered == 9 && next.attempt == 701)
        state.unanswered = 9
        #expect(state.claiming(leaseSeconds: 30, at: now) == .park(code: "lease_expired"))
        state.isLeased = false
        #expect(state.claiming(leaseSeconds: 30, at: now) != .park(code: "lease_expired"))
    }

    @Test func everyWayToBeParkedHasACodeOfItsOwn() {
        #expect(held().acknowledging(.dead(code: nil), attempt: 1, at: now) == .park(code: "rejected"))
        #expect(held().acknowledging(.dead(code: "forbidden"), attempt: 1, at: now) == .park(code: "forbidden"))
        let codes = [
            DeliveryState.exhausted, DeliveryState.unansweredCode, DeliveryState.malformed, DeliveryState.rejected,
        ]
        #expect(Set(codes).count == 4)
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

    /// Whatever consumers do, a delivery ends done or parked: silence within ten leases, failures in a day and a bit.
    @Test func everyDeliveryEnds() async {
        print("delivery ends: seed \(PropertySettings.seed)")
        var random = SeededGenerator(seed: PropertySettings.seed)
        for await _ in Rounds(200, proof: 20_000) {
            var state = DeliveryState(attempt: 0, isLeased: false, availableAt: now)
            var time = now
            var silences = 0
            var isOver = false
            let failingChance = Int.random(in: 0...100, using: &random)
            for _ in 0..<20_000 where !isOver {
                switch state.claiming(leaseSeconds: 30, at: time) {
                case .notYet: time = state.availableAt
                case .park(let code):
                    #expect(code == "lease_expired" && silences == 10)
                    isOver = true
                case .deliver(let next):
                    #expect(next.attempt == state.attempt + 1)
                    state = next
                    guard Int.random(in: 0..<100, using: &random) < failingChance else {
                        silences += 1
                        continue
                    }
                    silences = 0
                    let isDone = Int.random(in: 0..<500, using: &random) == 0
                    let outcome: DeliveryOutcome = isDone ? .done : .retry(code: nil, delaySeconds: nil)
                    switch state.acknowledging(outcome, attempt: state.attempt, at: time) {
                    case .unknown: Issue.record("the holder was not heard")
                    case .wait(let next): state = next
                    case .remove: isOver = true
                    case .park(let code):
                        #expect(code == "retry_exhausted")
                        #expect(time.seconds - (state.failingSince?.seconds ?? 0) >= 86_400)
                        isOver = true
                    }
                }
            }
            #expect(isOver, "seed \(PropertySettings.seed)")
        }
    }
}
