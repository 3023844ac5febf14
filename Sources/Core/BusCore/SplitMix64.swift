/// Numbers that look random and follow from a place, by Steele, Lea and Flood's generator; they keep no secret.
package enum SplitMix64 {
    /// The way from one place to the next.
    package static let step: UInt64 = 0x9E37_79B9_7F4A_7C15

    /// The number at a place; no two places have the same one.
    package static func number(at place: UInt64) -> UInt64 {
        var number = place
        number = (number ^ (number >> 30)) &* 0xBF58_476D_1CE4_E5B9
        number = (number ^ (number >> 27)) &* 0x94D0_49BB_1331_11EB
        return number ^ (number >> 31)
    }
}
