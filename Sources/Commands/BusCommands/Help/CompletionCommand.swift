import ArgumentParser
import BusRuntime

/// `bus completion`.
struct CompletionCommand: BusCommand {
    /// The shells that completions exist for.
    enum Shell: String, ExpressibleByArgument, CaseIterable {
        case bash, zsh, fish
    }

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
    var shell: Shell
    @OptionGroup var shared: SharedOptions

    func run(in session: CommandSession) async throws {
        let shell: CompletionShell =
            switch shell {
            case .bash: .bash
            case .zsh: .zsh
            case .fish: .fish
            }
        try session.output.line(BusRoot.completionScript(for: shell))
    }
}
