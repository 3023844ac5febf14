import ArgumentParser
import AsyncHTTPClient
import BusClient
import BusCore
import BusRuntime

/// The programs that say which secrets they use.
struct WatchingPrograms: ParsableArguments {
    @Option(
        help: .init(
            "Operations address of a program, such as http://127.0.0.1:9084; repeat it for each program.",
            valueName: "url"))
    var from: [String] = []

    /// The addresses without repeats.
    var addresses: [String] {
        var seen: Set<String> = []
        return from.filter { seen.insert($0).inserted }
    }
}

extension CommandSession {
    /// What every program says; one that does not answer ends the command, because its secrets are unknown.
    func secretUses(_ programs: WatchingPrograms, at now: Timestamp) async throws -> [SecretUse] {
        guard !programs.addresses.isEmpty else {
            throw ProcessFailure(
                exitCode: 2,
                "--from is missing; name the operations address of each program, such as http://127.0.0.1:9084")
        }
        let limit = timeLimit ?? .seconds(Limits.commandCallSeconds)
        return try await withHTTP { http in
            var uses: [SecretUse] = []
            for address in programs.addresses {
                guard let origin = APIOrigin(address) else {
                    throw ProcessFailure(
                        exitCode: 2,
                        "--from must be an http or https URL without user information, like http://127.0.0.1:9084")
                }
                do {
                    let metrics = try await Operations.metrics(of: origin, http: http, within: limit)
                    uses += SecretUse.all(in: metrics, of: address, at: now)
                } catch let fault as APIFault {
                    throw APIFailure(fault: fault, origin: origin, tokenCommand: nil, timeLimit: limit)
                }
            }
            return uses
        }
    }
}

/// A secret that is not taken out.
struct SecretStillNeeded: Error {
    let label: String
    let objections: [SecretRetirement.Objection]
    let isToken: Bool

    /// One for each objection: a lower-case fact, then the remedy.
    var lines: [String] {
        objections.map { objection in
            switch objection {
            case .unknown(let process):
                "\(process) does not accept \(label); name only programs that read this secret, or wait 3 s for a new file"
            case .notWatched(let process, let since, let until):
                "\(process) has not used \(label) since \(since.inWords), which is not long enough to know that nothing "
                    + "needs it; try again after \(until.inWords) UTC"
            case .used(let process, let at, let until):
                "\(process) used \(label) at \(at.inWords); "
                    + (isToken ? "replace the tokens that were made with it" : "roll the secret in Stripe")
                    + ", and try again after \(until.inWords) UTC"
            case .noSuccessor:
                "no other secret has been used since \(label) was; "
                    + (isToken
                        ? "bring a token of the new secret"
                        : "roll the secret in Stripe, or send an event from its dashboard")
                    + ", and try again"
            }
        }
    }
}

extension Timestamp {
    /// `2026-08-01 16:00:05`, in UTC.
    var inWords: String { String(Timestamp(clampingSeconds: seconds).rfc3339.prefix(19)).replacing("T", with: " ") }
}
