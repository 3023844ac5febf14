/// Which of the open containers are objects: one bit a level.
struct NestingMask {
    private var bits: UInt128 = 0

    subscript(depth: Int) -> Bool {
        get { bits >> (depth - 1) & 1 == 1 }
        set {
            let bit = UInt128(1) << (depth - 1)
            bits = newValue ? bits | bit : bits & ~bit
        }
    }
}
