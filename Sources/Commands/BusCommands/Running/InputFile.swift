import BusRuntime

/// A file that a flag names; `-` is standard input.
enum InputFile {
    /// Reads the whole file.
    ///
    /// A failure names `flag`.
    static func read(_ path: String, flag: String, bytesMax: Int) throws(ProcessFailure) -> [UInt8] {
        do throws(BoundedFile.Fault) {
            return path == "-"
                ? try BoundedFile(descriptor: 0, bytesMax: bytesMax).bytes
                : try BoundedFile(path, bytesMax: bytesMax).bytes
        } catch .tooLarge {
            throw ProcessFailure(
                exitCode: 1, "the file of \(flag) is larger than \(bytesMax >> 10) KiB; make it smaller")
        } catch {
            throw ProcessFailure(exitCode: 1, "cannot read the file of \(flag): \(error.message)")
        }
    }
}
