import FoundationEssentials
import TestSupport
import Testing

/// A folder that somebody else has made: what its `.env` and its `.bus` files can do to whoever works in it.
@Suite(.timeLimit(.minutes(5))) struct ForeignFolderTests {
    /// Names that would run code or find other programs reach nobody, and are named once.
    @Test func namesThatAreNotOfBusAreIgnoredAndNamedOnce() async throws {
        let world = try BusWorld()
        try world.write(
            "LD_PRELOAD=./evil.so\nPATH=./evil\nBUS_A=1\nLD_PRELOAD=./more.so\nBASH_ENV=./evil.sh\nHOME=./evil\n",
            to: ".env")
        let names = ["env", "BUS_A", "LD_PRELOAD", "BASH_ENV"]
        let result = try await world.run("bus", names)
        #expect(result.standardOutput == "BUS_A=1\nLD_PRELOAD=\nBASH_ENV=\n")
        let warning =
            "WARN .env may set only BUS_* and NO_COLOR; it does not set LD_PRELOAD, PATH, BASH_ENV, HOME, "
            + "so export what you need\n"
        #expect(result.standardError == warning)
        #expect(try await world.run("bus", ["--quiet"] + names).standardError.isEmpty)
        // A run of lines, our own commands among them, is one run.
        try world.write("env BUS_A\ncompletion bash\nhelp\nenv HOME\n", to: "x.bus")
        let batch = try await world.bus("x.bus", environment: ["HOME": "/home/me"])
        #expect(batch.standardError == warning)
        #expect(batch.standardOutput.hasPrefix("BUS_A=1\n") && batch.standardOutput.hasSuffix("\nHOME=/home/me\n"))
        world.makeFolder("inner")
        try world.write("IFS=x\n", to: "inner/.env")
        #expect(try await world.bus("-C", "inner", "journal").standardError.hasPrefix("WARN inner/.env may set only"))
    }

    /// A program such as `bus-billing` is no dispatcher: it takes its variables as it finds them.
    @Test func programsReadNoEnvFile() async throws {
        let world = try BusWorld()
        try world.write("BUS_API_BASE_URL=nonsense\n", to: ".env")
        let link = "\(world.modules)/bus-billing"
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: Products.path(of: "bus"))
        let token = ["BUS_API_TOKEN": "t"]
        #expect(try await world.run("bus", ["billing", "status"], environment: token).exit == .code(2))
        #expect(try await world.run(link, ["status", "--timeout", "1s"], environment: token).exit == .code(1))
    }

    struct Leak: Sendable, CustomTestStringConvertible {
        let line: String
        let address: String
        let secret: String
        var value = "made_up"

        var testDescription: String { "\(address) \(secret): bus \(line)" }
    }

    static let account = "00000000-0000-4000-8000-00000000000a"
    static let leaks: [Leak] =
        ["BUS_BILLING_API_URL", "BUS_API_BASE_URL", "BUS_API_URL", "BUS_AI_API_URL"].flatMap { address in
            [
                Leak(line: "billing status", address: address, secret: "BUS_API_TOKEN"),
                Leak(line: "billing setup", address: address, secret: "BUS_API_TOKEN_FILE", value: "/etc/hostname"),
                Leak(line: "operator billing catalog get", address: address, secret: "BUS_OPERATOR_TOKEN"),
                Leak(
                    line: "operator billing status --account \(account)", address: address, secret: "BUS_INTERNAL_TOKEN"
                ),
            ]
        } + [
            Leak(line: "operator token issue --subject x", address: "BUS_API_URL", secret: "BUS_OPERATOR_INTERNAL_KEY"),
            Leak(line: "events send --name a.b", address: "BUS_EVENTS_API_URL", secret: "BUS_API_TOKEN"),
            Leak(
                line: "events listen --name a.b --no-follow", address: "BUS_EVENTS_API_URL", secret: "BUS_EVENTS_TOKEN"),
            Leak(
                line: "operator stripe test", address: "BUS_STRIPE_API_URL", secret: "BUS_STRIPE_SECRET_KEY",
                value: "sk_test_made_up"),
        ]

    /// An address from `.env` and a secret from elsewhere: the warning names both, and no secret.
    @Test(arguments: leaks) func addressOfTheFileIsWarnedOf(_ leak: Leak) async throws {
        let world = try BusWorld()
        let words = leak.line.split(separator: " ").map { String($0) } + ["--timeout", "1s"]
        let secret = [leak.secret: leak.value]
        let warns = { (errors: String) in errors.contains("WARN \(leak.address) comes from .env and \(leak.secret) ") }
        try world.write("\(leak.address)=http://127.0.0.1:1\n", to: ".env")
        let result = try await world.run("bus", words, environment: secret)
        #expect(warns(result.standardError), "\(result.standardError)")
        #expect(!result.standardError.contains("made_up"))
        // Whoever sets the address knows where the secret goes.
        let own = secret.merging([leak.address: "http://127.0.0.1:1"]) { $1 }
        #expect(try await !world.run("bus", words, environment: own).standardError.contains("comes from .env"))
        // A file that brings its own secret gives nothing away.
        try world.write("\(leak.address)=http://127.0.0.1:1\n\(leak.secret)=\(leak.value)\n", to: ".env")
        let both = try await world.run("bus", words).standardError
        #expect(both.contains("comes from .env") == leak.secret.hasSuffix("_FILE"), "\(both)")
    }

    @Test func flagsDecideWhatIsWarnedOf() async throws {
        let world = try BusWorld()
        try world.write("BUS_API_BASE_URL=http://127.0.0.1:1\n", to: ".env")
        try world.write("t", to: "t")
        let named = try await world.bus("billing", "status", "--token-file", "t")
        #expect(named.standardError.contains("WARN BUS_API_BASE_URL comes from .env and --token-file "))
        let own = try await world.bus("billing", "status", "--token-file", "t", "--api-url", "http://127.0.0.1:1")
        #expect(!own.standardError.contains("comes from .env"))
        let lent = try await world.bus("billing", "status", "--token-file", "t", "--api-url", "${BUS_API_BASE_URL}")
        #expect(lent.standardError.contains("BUS_API_BASE_URL comes from .env"))
    }

    /// Files that nobody names: the dispatcher's default and what `bus auth` saves.
    @Test func savedTokensAreWarnedOf() async throws {
        let world = try BusWorld()
        for name in [".bus", ".bus/tokens", "c", "c/auth"] { world.makeFolder(name) }
        try world.write("BUS_EVENTS_API_URL=http://127.0.0.1:1\nBUS_CONFIG_DIR=c\n", to: ".env")
        try world.write("t", to: "c/auth/api-token")
        let line = ["events", "send", "--name", "a.b"]
        #expect(
            try await world.run("bus", line).standardError.contains(
                "BUS_EVENTS_API_URL comes from .env and the saved auth/api-token "))
        try world.write("t", to: ".bus/tokens/local-events.jwt")
        #expect(
            try await world.run("bus", line).standardError.contains(
                "BUS_EVENTS_API_URL comes from .env and BUS_EVENTS_TOKEN_FILE "))
    }

    /// A `.env` file can name any file of its reader, by a path or by a link; only files of its own folder are its own.
    @Test func filesOutsideTheFolderAreNotItsOwn() async throws {
        let world = try BusWorld()
        let outside = try TemporaryFolder()
        let file = try outside.write("t", to: "t")
        for name in ["in", "in/.bus", "in/.bus/tokens"] { world.makeFolder(name) }
        for name in ["in/t", "in/.bus/t", "in/.bus/tokens/local-events.jwt"] { try world.write("t", to: name) }
        try FileManager.default.createSymbolicLink(
            atPath: "\(world.folder.path)/in/link", withDestinationPath: file)
        for (path, isOwn) in [("t", true), ("../in/t", true), (file, false), ("link", false), (".bus/t", false)] {
            try world.write("BUS_API_BASE_URL=http://127.0.0.1:1\nBUS_API_TOKEN_FILE=\(path)\n", to: "in/.env")
            let result = try await world.bus("-C", "in", "billing", "status")
            #expect(result.standardError.contains("comes from .env") == !isOwn, "\(path): \(result.standardError)")
        }
    }

    /// Naming the default file, or emptying a folder's name, does not hide which secret is used.
    @Test func fileCannotHideTheSecret() async throws {
        let world = try BusWorld()
        for name in [".config", ".config/bus", ".config/bus/auth"] { world.makeFolder(name) }
        try world.write("t", to: ".config/bus/auth/api-token")
        let address = "BUS_EVENTS_API_URL=http://127.0.0.1:1\n"
        let line = ["events", "send", "--name", "a.b"]
        for (more, environment, secret) in [
            ("BUS_CONFIG_DIR=\n", [:], "the saved auth/api-token"),
            ("BUS_EVENTS_TOKEN_FILE=.bus/tokens/local-events.jwt\n", ["BUS_API_TOKEN": "t"], "BUS_API_TOKEN"),
            ("BUS_EVENTS_TOKEN=own\n", ["BUS_API_TOKEN": "t"], "BUS_API_TOKEN"),
        ] {
            try world.write(address + more, to: ".env")
            let result = try await world.run(
                "bus", line, environment: environment.merging(["HOME": world.folder.path]) { $1 })
            #expect(
                result.standardError.contains("BUS_EVENTS_API_URL comes from .env and \(secret) "),
                "\(more): \(result.standardError)")
        }
        try world.write(address + "BUS_API_TOKEN=\nBUS_API_TOKEN_FILE=\n", to: ".env")
        let empty = try await world.run("bus", line, environment: ["HOME": world.folder.path])
        #expect(empty.exit == .code(1) && empty.standardError.contains("is set but empty"))
    }

    /// Programs read their own flags, so they are warned of by what is set; a run of lines once.
    @Test func programsAndFilesAreWarnedOfOnce() async throws {
        let world = try BusWorld()
        try world.write("BUS_EVENTS_API_URL=http://127.0.0.1:1\nBUS_STRIPE_API_URL=http://127.0.0.1:1\n", to: ".env")
        let secrets = ["BUS_API_TOKEN": "made_up", "BUS_STRIPE_SECRET_KEY": "sk_test_made_up"]
        let pairs = [("BUS_EVENTS_API_URL", "BUS_API_TOKEN"), ("BUS_STRIPE_API_URL", "BUS_STRIPE_SECRET_KEY")]
        try world.write("journal a\nbilling --help\njournal b\n", to: "x.bus")
        for words in [["journal", "x"], ["integration", "stripe", "--version"], ["x.bus"]] {
            let errors = try await world.run("bus", words, environment: secrets).standardError
            for (address, secret) in pairs {
                let warning = "WARN \(address) comes from .env and \(secret) does not"
                #expect(errors.ranges(of: warning).count == 1, "\(words): \(errors)")
            }
        }
        #expect(try await world.bus("journal", "x").standardError.isEmpty, "without a secret nobody is warned")
    }
}
