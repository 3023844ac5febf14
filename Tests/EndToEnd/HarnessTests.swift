import TestSupport
import Testing

/// The harness itself: a journey is only as good as what starts, watches and ends its processes.
@Suite(.timeLimit(.minutes(2))) struct HarnessTests {
    @Test func tellsHowAProcessEnded() async throws {
        #expect(try await BusProcess.finish("/bin/sh", ["-c", "exit 7"]).exit == .code(7))
        #expect(try await BusProcess.finish("/bin/sh", ["-c", "kill -9 $$"]).exit == .signal(BusSignal.kill))
    }

    @Test func waitsForAProcessThatClosedItsOutputBeforeItsEnd() async throws {
        #expect(try await BusProcess.finish("/bin/sh", ["-c", "exec >&- 2>&-; sleep 0.3; exit 7"]).exit == .code(7))
    }

    @Test func keepsBothStreamsAndAnEmptyEnvironment() async throws {
        let result = try await BusProcess.finish(
            "/bin/sh", ["-c", "echo out; echo err >&2; env | cut -d = -f 1 | sort | tr '\\n' ' '"],
            environment: ["GIVEN": "1"])
        #expect(result.standardOutput.hasPrefix("out\n"))
        #expect(result.standardError == "err\n")
        let names = result.standardOutput.split(separator: "\n").last?.split(separator: " ").map(String.init) ?? []
        #expect(Set(names).subtracting(["PWD", "_", "SHLVL", "OLDPWD"]) == ["GIVEN", "HOME", "PATH"])
    }

    @Test func endsTheProcessWhenTheClosureReturnsOrThrows() async throws {
        let outcome = try await BusProcess.run("/bin/sleep", ["600"]) { $0.id }
        #expect(outcome.exit == .signal(BusSignal.kill))
        #expect(!BusSignal.send(0, to: outcome.value), "the process is still there")
        await #expect(throws: CancellationError.self) {
            try await BusProcess.run("/bin/sleep", ["600"]) { _ in throw CancellationError() }
        }
    }

    @Test func endsWhatTheProcessStarted() async throws {
        // The inner process keeps the output open: without ending it too, this would wait for ten minutes.
        let outcome = try await BusProcess.run("/bin/sh", ["-c", "sleep 600 & echo started; wait"]) { process in
            try await eventually("it started") { process.output.standardOutput == "started\n" ? true : nil }
        }
        #expect(outcome.exit == .signal(BusSignal.kill))
    }

    @Test func findsTheListeningLine() async throws {
        let log = #"{"message":"listening","address":"127.0.0.1:4242","listener":"second"}"#
        let script = "echo 'not json' >&2; echo '\(log)' >&2; sleep 600"
        _ = try await BusProcess.run("/bin/sh", ["-c", script]) { process in
            let address = try await process.address(of: "second")
            #expect(address == "127.0.0.1:4242")
        }
    }

    @Test func aProcessThatEndsEarlyIsAnErrorWithItsLog() async throws {
        let error = await #expect(throws: ProcessEndedEarly.self) {
            try await BusProcess.run("/bin/sh", ["-c", "echo 'address in use' >&2; exit 1"]) { process in
                try await process.address()
            }
        }
        #expect(error?.description.contains("address in use") == true)
    }

    @Test func eventuallyGivesUp() async {
        await #expect(throws: NeverHappened.self) {
            try await eventually("pigs fly", tries: 3) { nil as Bool? }
        }
    }
}
