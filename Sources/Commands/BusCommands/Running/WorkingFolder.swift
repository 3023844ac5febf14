import BusRuntime
import Glibc

/// The folder of `--chdir`.
enum WorkingFolder {
    /// Goes there; stays when nil.
    static func enter(_ folder: String?) throws(ProcessFailure) {
        guard let folder, chdir(folder) != 0 else { return }
        let reason = String(cString: strerror(errno))
        throw ProcessFailure(exitCode: 1, "cannot work in \(folder): \(reason); check the folder of --chdir")
    }
}
