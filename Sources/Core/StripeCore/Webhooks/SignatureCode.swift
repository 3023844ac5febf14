import Crypto

/// The 32 bytes of a `v1`.
struct SignatureCode: Equatable, Sendable {
    private let bytes: InlineArray<32, UInt8>

    /// The code of a message.
    init(_ digest: SHA256Digest) {
        bytes = digest.withUnsafeBytes { $0.loadUnaligned(as: InlineArray<32, UInt8>.self) }
    }

    /// Reads exactly 64 lower-case hexadecimal digits.
    init?(digits: Span<UInt8>) {
        guard digits.count == 64 else { return nil }
        var invalid: UInt8 = 0
        bytes = InlineArray { index in
            let high = SignatureCode.value(of: digits[2 * index])
            let low = SignatureCode.value(of: digits[2 * index + 1])
            invalid |= (high | low) & 0xF0
            return high << 4 | low
        }
        if invalid != 0 { return nil }
    }

    /// The value of a lower-case hexadecimal digit; 0xFF for any other byte.
    private static func value(of digit: UInt8) -> UInt8 {
        let number = digit &- UInt8(ascii: "0")
        let letter = digit &- UInt8(ascii: "a")
        return number < 10 ? number : letter < 6 ? letter + 10 : 0xFF
    }

    /// Compares all bytes, however early they differ: the time it takes must not help to guess a code.
    static func == (left: SignatureCode, right: SignatureCode) -> Bool {
        var difference: UInt8 = 0
        for index in left.bytes.indices { difference |= left.bytes[index] ^ right.bytes[index] }
        return difference == 0
    }
}

/// HMAC-SHA256 (RFC 2104) under one key, whose two blocks are hashed once.
///
/// The library's HMAC takes data of any type. Outside of the library that code is not specialized, and costs as much again
/// as hashing a webhook.
struct KeyedHash: Sendable {
    private let inner: SHA256
    private let outer: SHA256

    init(key: [UInt8]) {
        var block = key.count > SHA256.blockByteCount ? Array(SHA256.hash(data: key)) : key
        block += repeatElement(0, count: SHA256.blockByteCount - block.count)
        inner = KeyedHash.begin(block.map { $0 ^ 0x36 })
        outer = KeyedHash.begin(block.map { $0 ^ 0x5C })
    }

    private static func begin(_ block: [UInt8]) -> SHA256 {
        var hash = SHA256()
        block.withUnsafeBytes { hash.update(bufferPointer: $0) }
        return hash
    }

    /// The code of what Stripe signs: the digits of the time, a full stop and the body.
    func code(time: UnsafeRawBufferPointer, body: UnsafeRawBufferPointer) -> SignatureCode {
        var message = inner
        message.update(bufferPointer: time)
        withUnsafeBytes(of: UInt8(ascii: ".")) { message.update(bufferPointer: $0) }
        message.update(bufferPointer: body)
        var code = outer
        message.finalize().withUnsafeBytes { code.update(bufferPointer: $0) }
        return SignatureCode(code.finalize())
    }
}
