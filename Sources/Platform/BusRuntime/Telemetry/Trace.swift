import BusCore

/// The hop under way: its ids stand in every log line that is written meanwhile, and in what is published
/// (docs/contract/events.md, "Traces").
package enum Trace {
    /// Nil where nothing that was called for is under way, as in work that a program does by itself.
    @TaskLocal package static var current: TraceContext?

    /// A hop with a new span: of the trace that came, or of a new one.
    package static func hop(after received: TraceContext?) -> TraceContext {
        var random = IDNumbers()
        return TraceContext(after: received, random: &random)
    }
}
