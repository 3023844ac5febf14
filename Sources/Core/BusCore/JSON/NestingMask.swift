/// Which of the open containers are objects: one bit a level.
struct NestingMask {
    private var low: UInt64 = 0
    private var high: UInt64 = 0

    subscript(depth: Int) -> Bool {
        get { (depth <= 64 ? low >> UInt64(depth - 1) : high >> UInt64(depth - 65)) & 1 == 1 }
        set {
            let bit = UInt64(1) << UInt64((depth - 1) & 63)
            if depth <= 64 {
                low = newValue ? low | bit : low & ~bit
            } else {
                high = newValue ? high | bit : high & ~bit
            }
        }
    }
}
