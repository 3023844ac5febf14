import BusRuntime
import TestSupport
import Testing

/// What systemd is told, over a real socket.
@Suite struct SupervisorTests {
    private static func supervisor(_ variables: [String: String], processID: Int32 = 7) -> Supervisor? {
        Supervisor({ variables[$0] }, processID: processID)
    }

    @Test(arguments: [Supervisor.Message.ready, .stopping, .alive])
    func messageArrivesAsOneDatagram(_ message: Supervisor.Message) throws {
        let folder = try TemporaryFolder()
        for name in ["\(folder.path)/notify", "@\(folder.path)"] {
            let socket = try NotifySocket(name)
            let supervisor = try #require(SupervisorTests.supervisor(["NOTIFY_SOCKET": name]))
            #expect(supervisor.tell(message))
            #expect(socket.next() == message.rawValue)
            #expect(socket.next() == nil)
        }
    }

    @Test func nobodyListening() throws {
        let folder = try TemporaryFolder()
        let supervisor = try #require(SupervisorTests.supervisor(["NOTIFY_SOCKET": "\(folder.path)/gone"]))
        #expect(!supervisor.tell(.ready))
    }

    @Test(arguments: [
        nil, "", "/", "@", "relative", "vsock:2:1", "/" + String(repeating: "long", count: 27),
    ])
    func whatNamesNoSocketIsNone(_ name: String?) {
        #expect(SupervisorTests.supervisor(name.map { ["NOTIFY_SOCKET": $0] } ?? [:]) == nil)
    }

    @Test func watchdogIsOursAndPositive() {
        func interval(_ variables: [String: String]) -> Duration? {
            SupervisorTests.supervisor(variables.merging(["NOTIFY_SOCKET": "/run/notify"]) { $1 })?.watchdog
        }
        #expect(interval(["WATCHDOG_USEC": "30000000"]) == .seconds(30))
        #expect(interval(["WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "7"]) == .seconds(30))
        #expect(interval(["WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "8"]) == nil)
        for wrong in ["0", "-1", "x", ""] { #expect(interval(["WATCHDOG_USEC": wrong]) == nil, "\(wrong)") }
        #expect(interval([:]) == nil)
    }
}
