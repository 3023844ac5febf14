import BusLoops
import NIOCore
import NIOPosix
import Testing

/// Which threads run tasks.
@Suite(.timeLimit(.minutes(1))) struct EventLoopExecutorTests {
    @Test("a task and its children stay on their loop, whoever wakes them")
    func staysOnItsLoop() async {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        await withTaskExecutorPreference(EventLoopExecutor(loop)) {
            #expect(loop.inEventLoop)
            await withCheckedContinuation { continuation in
                NIOThreadPool.singleton.submit { _ in continuation.resume() }
            }
            #expect(loop.inEventLoop)
            async let child = loop.inEventLoop
            #expect(await child)
        }
    }
}
