import BusCore
import BusRuntime
import Glibc

extension BusEnvironment {
    /// Adds the `.env` file of a folder, the working one when nil, and the defaults.
    mutating func load(folder: String?) throws(ProcessFailure) {
        let path = folder.map { "\($0)/.env" } ?? ".env"
        complete(with: try DotEnv(file: path) ?? DotEnv())
    }
}

extension DotEnv {
    /// Reads the file; nil when there is none.
    init?(file path: String) throws(ProcessFailure) {
        let content: BoundedFile
        do throws(BoundedFile.Fault) {
            content = try BoundedFile(path, bytesMax: Limits.dotEnvBytesMax)
        } catch .unreadable(let code) where [ENOENT, ENOTDIR, EISDIR].contains(code) {
            // A folder of that name is no `.env` file: some tools keep their environments there.
            return nil
        } catch {
            throw ProcessFailure(exitCode: 2, "failed to load .env: \(path): \(error.message)")
        }
        do throws(DotEnvFault) {
            try self.init(parsing: content.bytes)
        } catch {
            throw ProcessFailure(exitCode: 2, "failed to load .env: \(path):\(error.line): \(error.message)")
        }
    }
}
