import BusCore
import BusRuntime
import SandboxWorld

// What the live page of `bus-local` shows and presses.
extension SandboxService {
    /// Rings when something may look different; for one waiter.
    package var changes: Signal { home.changes }

    /// What to show of an account, with so many payments and webhooks.
    package func view(of accountID: String, payments: Int, webhooks: Int) -> SandboxView {
        home.look { SandboxView($0, of: accountID, payments: payments, webhooks: webhooks) }
    }

    /// Sends an event once more; false when it is not known.
    package func resend(_ eventID: String) -> Bool { home.resend(eventID) }

    /// Moves the clock; how much happened on the way.
    package func advance(bySeconds seconds: Int64) -> Int { home.advance(bySeconds: seconds).events }

    /// The faults that are dialled.
    package var dials: FaultDials {
        get { home.dials }
        nonmutating set { home.dials = newValue }
    }

    /// Lets a scenario happen to an account; the text says what it did.
    package func play(_ scenario: SandboxScenario, accountID: String) throws(ScenarioFault) -> String {
        try home.play(scenario, accountID: accountID)
    }
}
