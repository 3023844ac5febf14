import Testing

@testable import BusRuntime

/// What ids are made of.
struct IDNumbersTests {
    @Test("no number comes twice, whoever asks at the same time")
    func distinct() async {
        let numbers = await withTaskGroup(of: [UInt64].self) { group in
            for _ in 0..<8 { group.addTask { (0..<2_000).map { _ in IDNumbers().next() } } }
            return await group.reduce(into: []) { $0 += $1 }
        }
        #expect(Set(numbers).count == 16_000)
        // Each bit is set in about half of them; a constant byte would be set in all or none.
        for bit in 0..<64 {
            let set = numbers.count { $0 >> bit & 1 == 1 }
            #expect((7_000...9_000).contains(set), "bit \(bit): \(set)")
        }
    }
}
