import TestSupport
import Testing

/// `docs/cli.md` is what the parsers say.
@Suite(.timeLimit(.minutes(5))) struct CommandPages {
    private static let services = [
        "bus-api-provider-billing", "bus-api-provider-events", "bus-integration-billing", "bus-integration-stripe",
        "bus-local", "bus-stripe-sandbox",
    ]

    @Test func pageIsMadeFromTheParsers() async throws {
        var page = """
            # Commands

            Made with `bus help --format markdown`; a test compares them with this page. `bus help <command>` prints one
            command's part, `--format man` makes man pages, and `--format opencli` a document for programs. Results go to
            standard output, everything else to standard error. Exit codes of a command: 0 success, 1 a failure at run time,
            of an API or of a token, 2 usage or configuration.


            """
        page += try await BusProcess.finish("bus", ["help", "--format", "markdown"]).standardOutput
        page += "\n# Services\n\nEvery one answers `--help`, `--version` and `help --format <form>` too.\n"
        for service in Self.services {
            let manual = try await BusProcess.finish(service, ["help", "--format", "markdown"])
            #expect(manual.exit == .code(0) && manual.standardOutput.hasPrefix("## `\(service)`"))
            page += "\n\(manual.standardOutput)"
        }
        #expect(try Golden.difference(page, from: "docs/cli.md") == nil)
    }

    @Test(arguments: CommandPages.services) func serviceHasEveryFormOfHelp(_ service: String) async throws {
        for (form, start) in [
            ("text", "OVERVIEW"), ("opencli", #"{"opencli":"0.1.0""#), ("json", #"{"opencli":"0.1.0""#),
            ("man", ".TH BUS-"),
        ] {
            for flags in [["--format", form], ["-f", form], ["--format=\(form)"]] {
                let help = try await BusProcess.finish(service, ["help"] + flags)
                #expect(help.exit == .code(0) && help.standardOutput.hasPrefix(start), "\(flags)")
            }
        }
        for wrong in [["--format", "xml"], ["--format"], ["more"]] {
            #expect(try await BusProcess.finish(service, ["help"] + wrong).exit == .code(2), "\(wrong)")
        }
    }
}
