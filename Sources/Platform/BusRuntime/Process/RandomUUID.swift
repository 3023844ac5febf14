import BusCore

extension UUIDText {
    /// A fresh version 4 UUID.
    package static func random() -> String {
        var random = SystemRandomNumberGenerator()
        return version4(high: random.next(), low: random.next())
    }
}
