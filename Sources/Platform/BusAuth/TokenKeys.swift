import BusCore
import BusRuntime
import JWTKit
import Synchronization

/// The secrets that tokens are verified with, for all verifiers of a service: the one in use, and for a day after a
/// change the one before it, because no token that is made with it lives longer.
package final class TokenKeys: Sendable {
    private struct State {
        var current: JWTKeyCollection
        var previous: JWTKeyCollection?
        var previousUntil = Timestamp.earliest
        /// How often the file had changed when it was read.
        var version = 0
        /// How often the secret was replaced here.
        var generation = 0
    }

    /// A key with the number of its secret, which later says whether that secret still counts.
    struct Numbered {
        let key: JWTKeyCollection
        let generation: Int
    }

    private let state: Mutex<State>
    private let latestSecret: @Sendable () -> (secret: Secret, version: Int)?
    private let uses: SecretUses

    /// The secret of the start.
    ///
    /// - Parameter latestSecret: The secret in use and how often it has changed; asked for each token seen the first time.
    package init(
        secret: Secret, uses: SecretUses = SecretUses(of: .token), at now: Timestamp = .now,
        latestSecret: @escaping @Sendable () -> (secret: Secret, version: Int)? = { nil }
    ) async {
        state = Mutex(State(current: await BusToken.keys(secret)))
        self.uses = uses
        self.latestSecret = latestSecret
        uses.accept([SecretUse.current], at: now)
    }

    /// The keys in use, the current one first; the previous secret's last day begins when a change is seen, whoever asks.
    func latest(at now: Timestamp) async -> [Numbered] {
        let known = state.withLock { $0 }
        if let latest = latestSecret(), latest.version != known.version {
            let new = await BusToken.keys(latest.secret)
            state.withLock { replace(&$0, with: new, version: latest.version, at: now) }
        }
        return state.withLock { state in
            endPrevious(&state, at: now)
            let current = Numbered(key: state.current, generation: state.generation)
            guard let previous = state.previous else { return [current] }
            return [current, Numbered(key: previous, generation: state.generation - 1)]
        }
    }

    private func replace(_ state: inout State, with key: JWTKeyCollection, version: Int, at now: Timestamp) {
        guard version > state.version else { return }
        state = State(
            current: key, previous: state.current,
            previousUntil: now.advanced(bySeconds: Limits.previousTokenSecretSeconds), version: version,
            generation: state.generation + 1)
        uses.move(SecretUse.current, to: SecretUse.previous, at: now)
        uses.accept([SecretUse.current, SecretUse.previous], at: now)
    }

    private func endPrevious(_ state: inout State, at now: Timestamp) {
        guard state.previous != nil, state.previousUntil <= now else { return }
        state.previous = nil
        uses.accept([SecretUse.current], at: now)
    }

    /// True when the secret of that number still counts; then it was used just now.
    func use(_ generation: Int, at now: Timestamp) -> Bool {
        state.withLock { state in
            endPrevious(&state, at: now)
            let isCurrent = generation == state.generation
            guard isCurrent || (state.previous != nil && generation == state.generation - 1) else { return false }
            uses.note(isCurrent ? SecretUse.current : SecretUse.previous, at: now)
            return true
        }
    }
}
