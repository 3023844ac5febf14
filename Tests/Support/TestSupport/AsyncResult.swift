extension Result where Failure == any Error {
    /// Runs `body` to its end either way, so that what must be closed afterwards is closed.
    package init(catching body: () async throws -> Success) async {
        do { self = .success(try await body()) } catch { self = .failure(error) }
    }
}
