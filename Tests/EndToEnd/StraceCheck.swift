import BusCore
import FoundationEssentials
import TestSupport
import Testing

/// The system calls prove it: the Events API answers a change only after it reached the disk, and a query without a
/// sync.
@Suite(.timeLimit(.minutes(5))) struct StraceCheck {
    @Test(
        .enabled("strace works here, as it has to in continuous integration") { try await Strace.isUsable() })
    func aChangeIsAnsweredAfterItsSyncAndAQueryWithoutOne() async throws {
        let deployment = try Deployment()
        let trace = "\(deployment.folder.path)/trace"
        let arguments =
            ["-f", "-y", "-s", "64", "-o", trace, "-e", "trace=desc,network,fsync,fdatasync"]
            + [Products.path(of: "bus-api-provider-events")] + deployment.eventsArguments
        let published = 5
        let asked = 5
        _ = try await BusProcess.run("/usr/bin/strace", arguments, environment: deployment.eventsEnvironment) {
            process in
            _ = try await process.address(of: Listener.events)
            for index in 1...published {
                try await publish(Deployment.updateName, index, to: deployment)
            }
            for index in 1...asked { try await publish(BillingEvent.status, index, to: deployment) }
            try await eventually("the trace holds every answer") {
                try SystemCalls(ofFile: trace).answers == published + asked ? true : nil
            }
        }
        let calls = try SystemCalls(ofFile: trace)
        #expect(
            calls.answersAfterSync == published,
            "a change left before its sync, or a query after one:\n\(calls.excerpt)")
    }

    private func publish(_ name: String, _ index: Int, to deployment: Deployment) async throws {
        let event: JSONValue = ["name": .string(name), "payload": ["event_id": .string("evt_strace_\(index)")]]
        let answer = try await LoopbackClient(deployment.eventsAddress).post(
            "/api/v1/events", event.serialized(),
            headers: deployment.bearer(Deployment.Subject.requester, Deployment.billingScopes))
        #expect(answer.status == 202, "\(answer.text)")
    }

    @Test func anAnswerBeforeItsSyncIsSeen() {
        let early = SystemCalls(
            """
            7 read(9<socket:[1]>, "POST /api/v1/events HTTP/1.1", 2048) = 300
            7 write(9<socket:[1]>, "HTTP/1.1 202 Accepted", 200) = 200
            8 fdatasync(5</x/events.sqlite-wal>) = 0
            """)
        #expect(early.answers == 1)
        #expect(early.answersAfterSync == 0)
        let failed = SystemCalls(
            """
            7 read(9<socket:[1]>, "POST /api/v1/events HTTP/1.1", 2048) = 300
            8 fdatasync(5</x/events.sqlite-wal>) = -1 EIO (Input/output error)
            7 write(9<socket:[1]>, "HTTP/1.1 202 Accepted", 200) = 200
            """)
        #expect(failed.answersAfterSync == 0)
        let right = SystemCalls(
            """
            7 read(9<socket:[1]>, "POST /api/v1/events HTTP/1.1", 2048) = 300
            8 fdatasync(5</x/events.sqlite-wal> <unfinished ...>
            7 epoll_wait(3<anon_inode:[eventpoll]>, [], 64, 5) = 0
            8 <... fdatasync resumed>) = 0
            7 writev(9<socket:[1]>, [{iov_base="HTTP/1.1 202 Accepted"}], 1) = 200
            """)
        #expect(right.answersAfterSync == 1)
    }
}

enum Strace {
    /// Whether strace can trace; in continuous integration it has to, so there the test runs and fails.
    static func isUsable() async throws -> Bool {
        if ProcessInfo.processInfo.environment["CI"] != nil { return true }
        let program = "/usr/bin/strace"
        guard FileManager.default.isExecutableFile(atPath: program) else { return false }
        return try await BusProcess.finish(program, ["-o", "/dev/null", "/bin/true"]).exit == .code(0)
    }
}

/// What matters of a trace by strace, in order: requests read, data synced, answers written.
struct SystemCalls {
    /// Publishes that were answered with 202.
    private(set) var answers = 0
    /// Those that were answered after a sync that began after the request was read and ended well.
    private(set) var answersAfterSync = 0
    /// The lines that were looked at.
    private(set) var excerpt = ""

    init(ofFile path: String) throws {
        self.init(String(decoding: try Data(contentsOf: URL(filePath: path)), as: UTF8.self))
    }

    init(_ trace: String) {
        var syncedSinceRequest = false
        var hasRequest = false
        var syncing: Set<Substring> = []
        for line in trace.split(separator: "\n") {
            let thread = line.prefix { $0 != " " }
            let isSync = line.contains("fsync(") || line.contains("fdatasync(")
            let isResumedSync = line.contains("fsync resumed") || line.contains("fdatasync resumed")
            if line.contains("\"POST /api/v1/events") {
                hasRequest = true
                syncedSinceRequest = false
                syncing = []
            } else if isSync, line.contains(".sqlite"), hasRequest {
                if line.contains("unfinished") {
                    syncing.insert(thread)
                } else if line.hasSuffix("= 0") {
                    syncedSinceRequest = true
                }
            } else if isResumedSync, syncing.remove(thread) != nil, line.hasSuffix("= 0") {
                syncedSinceRequest = true
            } else if line.contains("\"HTTP/1.1 202"), hasRequest {
                answers += 1
                if syncedSinceRequest { answersAfterSync += 1 }
                hasRequest = false
            } else {
                continue
            }
            excerpt += line + "\n"
        }
    }
}
