import BusCommands

@main
struct Main {
    static func main() async { await Bus.main() }
}
