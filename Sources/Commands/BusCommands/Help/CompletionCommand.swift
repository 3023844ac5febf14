import ArgumentParser
import BusCLI
import BusRuntime

extension ServiceCompletion: ExpressibleByArgument {}

/// `bus completion`.
struct CompletionCommand: BusCommand {
    static let formats = ResultFormats(.text)
    static let settings: [Setting] = []
    static let configuration = CommandConfiguration(
        commandName: "completion", abstract: "Completions for bash, zsh and fish.",
        usage: "bus completion [<options>] <shell>",
        discussion: """
            EXAMPLES
              bus completion bash > ~/.local/share/bash-completion/completions/bus
              bus completion zsh > ~/.zfunc/_bus
              bus completion fish > ~/.config/fish/completions/bus.fish
            """)

    @Argument(help: "The shell.")
    var shell: ServiceCompletion
    @OptionGroup var shared: SharedOptions

    func run(in session: CommandSession) async throws {
        guard let shell = CompletionShell(rawValue: shell.rawValue) else { return }
        try session.output.line(BusRoot.completionScript(for: shell))
    }
}
