import BillingCore
import BusClient
import BusContract
import BusCore
import BusRuntime
import StripeClient
import StripeCore

/// What a failure says, and the exit code of the process.
struct FailureReport {
    /// 1 for run-time, API and token failures, 2 for usage and configuration.
    let exitCode: Int32
    /// Each a lower-case fact, then the remedy.
    let lines: [String]

    /// Classifies an error that a command has thrown.
    init(_ error: any Error) {
        (exitCode, lines) =
            switch error {
            case let failure as ProcessFailure: (failure.exitCode, [failure.description])
            case let faults as SettingsFaults: (2, faults.messages)
            case let faults as CatalogFaults: (1, faults.problems.map(\.description))
            case let faults as CatalogSyncFaults: (1, faults.problems)
            case let refusal as CatalogSyncRefusal: (2, [refusal.message])
            case let stopped as CatalogSyncStopped: (1, [stopped.busError.message])
            case let fault as StripeFault: (1, [fault.message])
            case let failure as APIFailure: (1, [failure.message])
            case let failure as EventsFailure: (1, [failure.message])
            case let needed as SecretStillNeeded: (1, needed.lines)
            case is ResultReaderGone: (1, ["the reader of the results has gone; run it again and read all of them"])
            case let error as BusError: (1, [error.message])
            default: (1, ["the command failed: \(error); run it again with -vv"])
            }
    }
}

/// A failed call to one of our HTTP APIs.
struct APIFailure: Error {
    let fault: APIFault
    let origin: APIOrigin
    /// Makes a better token; nil where the internal key was shown.
    let tokenCommand: String?
    let timeLimit: Duration

    /// Lower-case fact, then the remedy.
    var message: String {
        switch fault {
        case .refused(let refusal) where [401, 403].contains(refusal.status):
            let reason = "\(refusal.message) (\(refusal.status) \(refusal.type))"
            guard let tokenCommand else {
                return "the auth API refused the internal key: \(reason); check BUS_OPERATOR_INTERNAL_KEY"
            }
            return "the API refused the token: \(reason); get another one with: \(tokenCommand)"
        case .refused(let refusal):
            let remedy = refusal.command.map { "; run: \($0)" } ?? ""
            return "\(refusal.message) (\(refusal.status) \(refusal.type))\(remedy)"
        case .unreachable(let reason):
            return "\(origin.text) was not reached (\(reason)); check the URL and that the service runs"
        case .late:
            return "\(origin.text) did not answer within \(timeLimit.goText); try again, or raise --timeout"
        case .unusableKey:
            return "the internal key holds characters that cannot be sent; store the key alone in its file"
        case .unreadable:
            return "the answer of \(origin.text) cannot be read; check that the URL is this API's"
        }
    }
}

/// A failed call to the Events API.
struct EventsFailure: Error {
    let fault: EventsFault
    /// What the token must allow for this event.
    let scope: String

    /// Lower-case fact, then the remedy.
    var message: String {
        switch fault {
        case .refused(let status, let message):
            "the Events API refused the token: \(message) (\(status)); get another one with: "
                + "bus operator token issue --subject \"$USER\" --audience ai.hg.fi/api --scope \"\(scope)\""
        case .notFound:
            "there is no Events API at this URL; check BUS_EVENTS_API_URL or --events-url"
        case .rejected(let status, let type, let message):
            "\(message) (\(status) \(type))"
        case .unavailable(let reason, _):
            "the Events API was not reached (\(reason)); check BUS_EVENTS_API_URL and that the service runs"
        }
    }
}
