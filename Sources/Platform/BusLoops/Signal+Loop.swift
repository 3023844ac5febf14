import BusRuntime
import NIOCore

extension Signal {
    /// Returns as `wait()` does, or after `limit`, for one who then looks by itself what there is to do.
    ///
    /// It costs no task of its own, as `wait(atMost:)` does. When the time and a ring come together, the next wait may return
    /// at once.
    package func waitOnLoop(atMost limit: Duration) async {
        let timer = LoopTimer.after(limit, ring)
        await wait()
        timer.cancel()
    }
}
