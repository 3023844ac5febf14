import BusCommands
import TestSupport
import Testing

/// What a command finds in its environment.
@Suite(.timeLimit(.minutes(5))) struct EnvironmentTests {
    @Test func unsetNamesGetTheirDefaults() async throws {
        let names = [
            "BUS_EVENTS_API_URL", "BUS_EVENTS_TOKEN_FILE", "BUS_WORKERS_API_URL", "BUS_WORKERS_API_TOKEN_FILE",
        ]
        let result = try await BusWorld().run("bus", ["env"] + names)
        #expect(
            result.standardOutput == """
                BUS_EVENTS_API_URL=http://127.0.0.1:8081/local/v1
                BUS_EVENTS_TOKEN_FILE=.bus/tokens/local-events.jwt
                BUS_WORKERS_API_URL=http://127.0.0.1:8090/local/v1
                BUS_WORKERS_API_TOKEN_FILE=.bus/tokens/local-events.jwt

                """)
    }

    @Test func processBeatsFileBeatsDefaults() async throws {
        let world = try BusWorld()
        try world.write(
            "# local\nexport BUS_A=\"file # \\n\" # note\nBUS_B=file\nBUS_C=file\nBUS_EVENTS_API_URL=http://127.0.0.1:9\n",
            to: ".env")
        let result = try await world.bus(
            "env", "BUS_A", "BUS_B", "BUS_C", "BUS_EVENTS_API_URL", "BUS_WORKERS_API_URL",
            environment: ["BUS_B": "process", "BUS_C": "", "BUS_WORKERS_API_URL": "http://127.0.0.1:7"])
        #expect(
            result.standardOutput
                == "BUS_A=file # \n\nBUS_B=process\nBUS_C=\nBUS_EVENTS_API_URL=http://127.0.0.1:9\n"
                + "BUS_WORKERS_API_URL=http://127.0.0.1:7\n"
        )
    }

    @Test func malformedFileStopsEverything() async throws {
        let world = try BusWorld()
        try world.write("A=1\nB=\"made_up\n", to: ".env")
        try world.write("journal ran\n", to: "x.bus")
        for arguments in [["journal", "ran"], ["x.bus"], ["--check", "x.bus"]] {
            let result = try await world.run("bus", arguments)
            #expect(result.exit == .code(2))
            #expect(result.standardError.hasPrefix("bus: failed to load .env: .env:2: "), "\(result.standardError)")
            #expect(!result.standardError.contains("made_up"), "a value is shown")
            #expect(result.standardOutput.isEmpty)
        }
        world.makeFolder("inner")
        try world.write("nonsense\n", to: "inner/.env")
        let inner = try await world.bus("-C", "inner", "journal")
        #expect(inner.standardError.hasPrefix("bus: failed to load .env: inner/.env:1: "))
        #expect(try await world.bus("--version").exit == .code(0))
    }

    @Test func folderNamedLikeTheFileIsNone() async throws {
        let world = try BusWorld()
        world.makeFolder(".env")
        #expect(try await world.bus("journal", "ran").standardOutput == "[ran]\n")
    }

    @Test func secretsReachTheCommandButNoArgument() async throws {
        let world = try BusWorld()
        try world.write("BUS_API_TOKEN=made_up\n", to: ".env")
        let result = try await world.bus("env", "BUS_API_TOKEN")
        #expect(result.standardOutput == "BUS_API_TOKEN=made_up\n")
        for line in ["journal --token $BUS_API_TOKEN", "journal \"x${BUS_API_TOKEN}\""] {
            try world.write("\(line)\n", to: "x.bus")
            let refused = try await world.bus("--trace", "x.bus")
            #expect(refused.exit == .code(2))
            #expect(
                refused.standardError.hasPrefix("x.bus:1: $BUS_API_TOKEN holds a secret"), "\(refused.standardError)")
            #expect(!(refused.standardError + refused.standardOutput).contains("made_up"))
        }
        try world.write("journal '$BUS_API_TOKEN' \\$BUS_API_TOKEN $OTHER_TOKEN\nenv BUS_API_TOKEN\n", to: "x.bus")
        #expect(
            try await world.bus("x.bus").standardOutput
                == "[$BUS_API_TOKEN][$BUS_API_TOKEN][$OTHER_TOKEN]\nBUS_API_TOKEN=made_up\n")
    }
}
