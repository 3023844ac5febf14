import BusCore
import FoundationEssentials

/// Notes every sync of a process, and may slow it down: a library that is loaded in front of the system's.
package struct WatchedDisk: Sendable {
    private let folder: TemporaryFolder
    private var library: String { "\(folder.path)/disk.so" }
    private var log: String { "\(folder.path)/syncs" }

    /// Builds the library with the system's C compiler.
    package init() async throws {
        folder = try TemporaryFolder()
        let source = try folder.write(WatchedDisk.source, to: "disk.c")
        let built = try await BusProcess.finish("/usr/bin/cc", ["-shared", "-fPIC", "-o", library, source, "-ldl"])
        guard built.exit == .code(0) else { throw UnbuiltDisk(description: built.standardError) }
    }

    /// The environment of a process whose syncs are noted.
    package func environment(slowedBy delay: Duration = .zero) -> [String: String] {
        [
            "LD_PRELOAD": library, "WATCHED_DISK_LOG": log,
            "WATCHED_DISK_DELAY_US": "\(Int64(delay.inSeconds * 1_000_000))",
        ]
    }

    /// The length of a file at each of its syncs that have ended, oldest first.
    package func syncs(of path: String) throws -> [Int] {
        guard let data = FileManager.default.contents(atPath: log) else { return [] }
        return String(decoding: data, as: UTF8.self).split(separator: "\n").compactMap { line in
            let words = line.split(separator: " ", maxSplits: 1)
            return words.count == 2 && words[1] == path ? Int(words[0]) : nil
        }
    }

    private static let source = #"""
        #define _GNU_SOURCE
        #include <dlfcn.h>
        #include <fcntl.h>
        #include <stdio.h>
        #include <stdlib.h>
        #include <sys/stat.h>
        #include <unistd.h>

        static int watched(const char *name, int fd) {
            int (*sync)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
            char link[64], path[4096], line[4200];
            struct stat before;
            snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
            ssize_t length = readlink(link, path, sizeof path - 1);
            if (length < 0 || fstat(fd, &before) != 0) return sync(fd);
            path[length] = 0;
            /* The disk is slow on purpose. */
            usleep((useconds_t)atol(getenv("WATCHED_DISK_DELAY_US")));
            int result = sync(fd);
            int log = open(getenv("WATCHED_DISK_LOG"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
            if (result == 0 && log >= 0) {
                int count = snprintf(line, sizeof line, "%lld %s\n", (long long)before.st_size, path);
                if (write(log, line, (size_t)count) != count) abort();
            }
            if (log >= 0) close(log);
            return result;
        }

        int fdatasync(int fd) { return watched("fdatasync", fd); }
        int fsync(int fd) { return watched("fsync", fd); }
        """#
}

/// The library did not build.
package struct UnbuiltDisk: Error, CustomStringConvertible {
    /// What the compiler said.
    package let description: String
}
