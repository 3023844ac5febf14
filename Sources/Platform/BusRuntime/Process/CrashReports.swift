import Glibc

/// What a crash leaves behind.
package enum CrashReports {
    /// Leaves crashes to the system and its core dumps.
    ///
    /// Where a toolchain is installed the Swift runtime reports a crash itself, with the registers and the memory they
    /// point to, and there a part of a secret may be.
    package static func leaveToSystem() {
        for number in [SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGQUIT, SIGSEGV, SIGTRAP] { signal(number, SIG_DFL) }
    }
}
