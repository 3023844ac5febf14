import BusRuntime

/// What a command line asks for, read once from left to right.
package enum BusCommandLine: Equatable, Sendable {
    /// `.bus` files to run.
    case files(BusFileOptions)
    /// A command; `word` is the index of its first word, or the count of arguments when there is none.
    case command(GlobalOptions, word: Int)

    /// Reads the arguments after the program's name.
    ///
    /// - Parameter isFile: Whether a word names a file to run, seen from a folder.
    package init(
        _ arguments: [String], isFile: (_ word: String, _ folder: String?) -> Bool
    ) throws(ProcessFailure) {
        var options = GlobalOptions()
        var files = BusFileOptions()
        var forbidsFiles = false
        var fileFlag: String?
        var index = 0
        while index < arguments.count, options.request == nil, arguments[index].hasPrefix("-") {
            let argument = arguments[index]
            if argument == "--" {
                index += 1
                forbidsFiles = true
                break
            }
            if try options.take(arguments, at: &index, .beforeWord) {
                forbidsFiles = forbidsFiles || !BusFileOptions.globalFlags.contains(argument)
            } else if files.take(arguments, at: &index) {
                fileFlag = fileFlag ?? argument
            } else {
                throw BusCommandLine.unknown(argument)
            }
        }
        if !forbidsFiles, index < arguments.count, isFile(arguments[index], options.folder) {
            try files.takeRest(arguments[index...], &options, isFile)
            self = .files(files)
            return
        }
        if let fileFlag { throw BusCommandLine.unknown(fileFlag) }
        try options.check()
        self = .command(options, word: index)
    }

    private static func unknown(_ option: String) -> ProcessFailure {
        ProcessFailure(exitCode: 2, "unknown option \"\(option)\"; see bus --help")
    }
}
