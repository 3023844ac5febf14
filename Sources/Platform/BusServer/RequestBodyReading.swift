import BusContract
import BusCore
import BusRuntime
import Hummingbird
import HummingbirdCore
import NIOCore

extension Request {
    /// The whole body, at most `bytesMax` and within `Limits.requestReadSeconds`: a slow sender holds no handler.
    package func collectedBody(bytesMax: Int) async throws -> [UInt8] {
        let tooLarge = BusError(.payloadTooLarge, "the body is larger than \(bytesMax) bytes; send less")
        if let announced = headers[.contentLength].flatMap(Int.init), announced > bytesMax { throw tooLarge }
        let deadline = ContinuousClock.now + .seconds(Limits.requestReadSeconds)
        var bytes: [UInt8] = []
        for try await chunk in body {
            if bytes.count + chunk.readableBytes > bytesMax { throw tooLarge }
            bytes.append(contentsOf: chunk.readableBytesView)
            if ContinuousClock.now > deadline {
                throw BusError(
                    .requestTimeout, "the body took longer than \(Limits.requestReadSeconds) s; send it faster")
            }
        }
        return bytes
    }
}
