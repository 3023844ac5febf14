import BusCore
import BusRuntime
import Glibc

extension BusEnvironment {
    /// Adds the `.env` file of a folder, the working one when nil, and the defaults.
    ///
    /// - Parameter diagnostics: Told of names that the file may not set.
    mutating func load(folder: String?, _ diagnostics: Diagnostics) throws(ProcessFailure) {
        let path = folder.map { "\($0)/.env" } ?? ".env"
        let file = try DotEnv(file: path) ?? DotEnv()
        if !file.ignored.isEmpty {
            diagnostics.warn(
                "\(path) may set only BUS_* and NO_COLOR; it does not set \(file.ignored.joined(separator: ", ")), "
                    + "so export what you need")
        }
        complete(with: file)
    }
}

extension DotEnv {
    /// Reads the file; nil when there is none.
    init?(file path: String) throws(ProcessFailure) {
        let content: BoundedFile
        do throws(BoundedFile.Fault) {
            content = try BoundedFile(path, bytesMax: Limits.dotEnvBytesMax)
        } catch .unreadable(let code) where [ENOENT, ENOTDIR, EISDIR].contains(code) {
            // Some tools keep whole environments in a folder of that name.
            return nil
        } catch {
            throw ProcessFailure(exitCode: 2, "failed to load .env: \(path): \(error.message)")
        }
        do throws(LineFault) {
            try self.init(parsing: content.bytes)
        } catch {
            throw ProcessFailure(exitCode: 2, "failed to load .env: \(path):\(error.line): \(error.message)")
        }
    }
}
