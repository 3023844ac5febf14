/// The condition did not come true within all tries.
package struct NeverHappened: Error, CustomStringConvertible {
    let what: String

    /// The condition in words.
    package init(what: String) {
        self.what = what
    }

    /// What was waited for.
    package var description: String { "waited in vain until \(what)" }
}

/// Waits until `attempt` gives a value, asking again every few milliseconds and at most for a minute.
///
/// It returns as soon as the condition holds, so a slow machine waits longer and a fast one does not.
@discardableResult
package func eventually<Value>(
    _ what: String, tries: Int = 6_000, _ attempt: () async throws -> Value?
) async throws -> Value {
    for _ in 0..<tries {
        if let value = try await attempt() { return value }
        // Only the pause between two looks: the condition ends the wait, never the time.
        try await Task.sleep(for: .milliseconds(10))
    }
    throw NeverHappened(what: what)
}
