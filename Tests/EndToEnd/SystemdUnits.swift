import FoundationEssentials
import TestSupport
import Testing

/// systemd's own tools judge the units, and the units fit the programs.
@Suite(.timeLimit(.minutes(3))) struct SystemdUnits {
    static let units = ["bus-events", "bus-billing-worker", "bus-billing-api", "bus-stripe"]
    /// Exposure on systemd's scale from 0 to 10, times ten.
    private static let exposureMax = 15

    /// The units with the paths of the programs under test.
    private static func installed(in folder: TemporaryFolder) throws -> [String] {
        try units.map { unit in
            let text = try Repository.text("deploy/systemd/\(unit).service")
            return try folder.write(
                text.replacing("=/usr/bin/bus", with: "=\(Products.path(of: "bus"))"), to: "\(unit).service")
        }
    }

    @Test func everyUnitIsJudged() throws {
        let files = try FileManager.default.contentsOfDirectory(atPath: Repository.path("deploy/systemd"))
        #expect(Set(files) == Set(SystemdUnits.units.map { "\($0).service" }))
    }

    @Test func systemdFindsNoFault() async throws {
        let folder = try TemporaryFolder()
        let check = try await BusProcess.finish(
            "/usr/bin/systemd-analyze", ["verify", "--man=no"] + SystemdUnits.installed(in: folder))
        let said = check.standardOutput + check.standardError
        #expect(check.exit == .code(0) && said.isEmpty, "\(said)")
    }

    @Test func systemdCallsThemWellProtected() async throws {
        let folder = try TemporaryFolder()
        for path in try SystemdUnits.installed(in: folder) {
            let check = try await BusProcess.finish(
                "/usr/bin/systemd-analyze",
                ["security", "--offline=true", "--threshold=\(SystemdUnits.exposureMax)", "--no-pager", path])
            #expect(check.exit == .code(0), "\(check.standardOutput)\(check.standardError)")
        }
    }

    /// What a unit sets is what its program takes, and with it and its credentials the program would start.
    @Test(arguments: units) func programTakesWhatTheUnitSets(_ unit: String) async throws {
        let folder = try TemporaryFolder()
        let text = try Repository.text("deploy/systemd/\(unit).service")
        let program = try #require(text.firstMatch(of: #/ExecStart=\/usr\/bin\/(\S+)/#)).output.1
        var environment = ["CREDENTIALS_DIRECTORY": folder.path]
        var credentials: Set<String> = []
        for match in text.matches(of: #/\nLoadCredential=(\w+):\/etc\/bus\/credentials\/\S+/#) {
            let name = String(match.output.1)
            _ = try folder.write(SystemdUnits.secret(name), to: name)
            // A token has a line of its own, below the settings.
            if name != "BUS_API_TOKEN" { credentials.insert(name) }
        }
        for match in text.matches(of: #/\nEnvironment=(\w+)=(\S+)/#) {
            environment[String(match.output.1)] = String(match.output.2).replacing("%S", with: folder.path)
                .replacing("%d", with: folder.path)
        }
        let environmentFile = try #require(text.firstMatch(of: #/\nEnvironmentFile=-\/etc\/bus\/(\S+)/#)).output.1
        // Examples count too, once they are no comments.
        for match in try Repository.text("deploy/etc/\(environmentFile)").matches(of: #/\n#(BUS_\w+)=(\S+)/#) {
            environment[String(match.output.1)] = String(match.output.2)
        }
        environment["BUS_STRIPE_LIVE"] = nil  // The key of this test is a test key.
        let help = try await BusProcess.finish(String(program), ["--help"]).standardOutput
        for name in environment.keys where name != "CREDENTIALS_DIRECTORY" {
            #expect(help.contains(name), "\(program) does not know \(name)")
        }
        let check = try await BusProcess.finish(String(program), ["--check-config"], environment: environment)
        #expect(check.exit == .code(0), "\(check.standardError)")
        #expect(!check.standardError.contains("WARN"), "\(check.standardError)")
        let secrets = Set(check.standardOutput.matches(of: #/(\w+)=\[redacted\]/#).map { String($0.output.1) })
        #expect(secrets == credentials, "the program shows which secrets it has")
    }

    /// Every system call that the units do not allow fails as it does there; the services start and answer all the same.
    @Test(
        .enabled("strace works here, as it has to in continuous integration") { try await Strace.isUsable() },
        arguments: SupervisorJourney.programs)
    func programWorksWithoutForbiddenCalls(_ program: SupervisorJourney.Program) async throws {
        let unit = try Repository.text("deploy/systemd/bus-events.service")
        let filters = unit.matches(of: #/\nSystemCallFilter=(.*)/#).map { String($0.output.1) }
        #expect(filters == ["@system-service", "~@privileged @resources"], "this test knows these filters only")
        let denied = try await SystemdUnits.calls("@privileged").union(SystemdUnits.calls("@resources"))
        let allowed = try await SystemdUnits.calls("@system-service").subtracting(denied)
            .union(SystemdUnits.calls("@default"))
        #expect(allowed.count > 200)
        let deployment = try Deployment()
        let arguments =
            [
                "-f", "-qq", "-o", "/dev/null", "-e",
                "inject=!\(allowed.map { "?\($0)" }.joined(separator: ",")):error=EPERM",
            ]
            + [Products.path(of: program.name)] + program.arguments(deployment)
        _ = try await BusProcess.run("/usr/bin/strace", arguments, environment: program.environment(deployment)) {
            process in
            for listener in program.listeners { _ = try await process.address(of: listener) }
            let client = LoopbackClient(try await process.address(of: Listener.operations))
            #expect(try await client.get("/livez").status == 200)
        }
    }

    /// The calls of a set that systemd knows, those of the sets in it included.
    private static func calls(_ set: String) async throws -> Set<String> {
        let list = try await BusProcess.finish("/usr/bin/systemd-analyze", ["syscall-filter", set, "--no-pager"])
        var calls: Set<String> = []
        for line in list.standardOutput.split(separator: "\n").dropFirst() {
            let name = line.drop { $0 == " " }
            if name.hasPrefix("@") {
                try await calls.formUnion(SystemdUnits.calls(String(name)))
            } else if !name.hasPrefix("#") {
                calls.insert(String(name))
            }
        }
        return calls
    }

    private static func secret(_ name: String) -> String {
        switch name {
        case "BUS_API_TOKEN":
            TestTokens(secret: "systemd-unit-hs256-key-not-a-secret").token(
                subject: "service", scope: Deployment.billingScopes + " billing:provider", now: unixNow())
        case "BUS_STRIPE_SECRET_KEY": "sk_test_systemd_unit"
        case "BUS_STRIPE_WEBHOOK_SECRET": "whsec_systemd_unit"
        default: "systemd-unit-hs256-key-not-a-secret"
        }
    }
}
