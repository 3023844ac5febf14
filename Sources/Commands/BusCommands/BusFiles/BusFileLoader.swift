import BusCore
import BusRuntime

/// One command of a `.bus` file, ready to be looked up.
struct BusFileCommand {
    let file: String
    let line: Int
    /// The line as written, for messages, without the values of variables.
    let text: String
    /// The flags in effect on this line.
    let options: GlobalOptions
    /// The module's word and what follows it, expanded.
    let arguments: [[UInt8]]

    var place: String { "\(file):\(line)" }

    var words: [String] { arguments.map { String(decoding: $0, as: UTF8.self) } }
}

/// Reads `.bus` files and their includes into one list of commands.
///
/// It runs nothing.
struct BusFileLoader {
    private let environment: BusEnvironment
    private var open: [FileIdentity] = []
    private var filesRead = 0
    private var bytesRead = 0
    private(set) var commands: [BusFileCommand] = []

    init(_ environment: BusEnvironment) {
        self.environment = environment
    }

    /// Reads a file of the command line.
    ///
    /// Flags on lines of their own hold until its end.
    mutating func load(_ file: String) throws(ProcessFailure) {
        var options = GlobalOptions()
        try load(file, at: nil, &options)
    }

    /// `place` is the line that includes the file.
    private mutating func load(
        _ file: String, at place: String?, _ options: inout GlobalOptions
    ) throws(ProcessFailure) {
        let content = try read(file, at: place)
        if open.contains(content.identity) {
            throw syntaxError(place ?? file, "include cycle: \(file) is being read already; remove the include")
        }
        if open.count == Limits.busFileDepthMax {
            throw syntaxError(place ?? file, "files include each other more than \(open.count) deep; flatten them")
        }
        open.append(content.identity)
        let parsed: BusFile
        do throws(LineFault) {
            parsed = try BusFile(parsing: content.bytes)
        } catch {
            throw syntaxError("\(file):\(error.line)", error.message)
        }
        for line in parsed.lines { try add(line, of: file, &options) }
        open.removeLast()
    }

    private mutating func read(_ file: String, at place: String?) throws(ProcessFailure) -> BoundedFile {
        filesRead += 1
        if filesRead > Limits.busFilesMax {
            throw syntaxError(place ?? file, "more than \(Limits.busFilesMax) files are included; split the run")
        }
        do throws(BoundedFile.Fault) {
            let content = try BoundedFile(file, bytesMax: Limits.busFilesBytesMax - bytesRead)
            bytesRead += content.bytes.count
            return content
        } catch {
            throw ProcessFailure(exitCode: 2, "\(place ?? "bus"): cannot read \(file): \(error.message)")
        }
    }

    private mutating func add(
        _ line: BusFile.Line, of file: String, _ options: inout GlobalOptions
    ) throws(ProcessFailure) {
        let place = "\(file):\(line.number)"
        for name in line.tokens.flatMap(\.variables) where VariableExpansion.isSecret(name) && environment[name] != nil
        {
            throw ProcessFailure(
                exitCode: 2,
                "\(place): $\(name) holds a secret, and everybody on this machine can read arguments; "
                    + "leave it out, the command reads \(name) itself")
        }
        let arguments = line.tokens.map { $0.argument { environment.bytes(of: $0) } }
        let command = BusFileCommand(
            file: file, line: line.number, text: line.text, options: options, arguments: arguments)
        let words = command.words
        if words.count == 1, words[0].hasSuffix(".bus") {
            return try load(BusFileLoader.path(words[0], from: file), at: place, &options)
        }
        do throws(ProcessFailure) {
            if let changed = try options.applying(words) { options = changed } else { commands.append(command) }
        } catch {
            throw syntaxError(place, error.description)
        }
    }

    /// An include's path is relative to the file that holds it.
    private static func path(_ include: String, from file: String) -> String {
        guard !include.hasPrefix("/"), let slash = file.lastIndex(of: "/") else { return include }
        return "\(file[...slash])\(include)"
    }

    private func syntaxError(_ place: String, _ message: String) -> ProcessFailure {
        ProcessFailure(exitCode: 65, "\(place): syntax error: \(message)")
    }
}
