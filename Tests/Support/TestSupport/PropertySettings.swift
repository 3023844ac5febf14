import Foundation

/// How long and from where property tests run: `BUS_TEST_SEED` repeats one run, `BUS_PROOF=1` asks for many rounds.
package enum PropertySettings {
    /// The seed from the environment, or a fixed one.
    package static var seed: UInt64 {
        ProcessInfo.processInfo.environment["BUS_TEST_SEED"].flatMap { UInt64($0) } ?? 0x5EED_0B05
    }

    /// The small number of rounds, or the large one when a proof is asked for.
    package static func rounds(_ small: Int, proof: Int) -> Int {
        ProcessInfo.processInfo.environment["BUS_PROOF"] == "1" ? proof : small
    }
}
