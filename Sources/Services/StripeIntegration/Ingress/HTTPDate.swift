import BusCore

/// The `Date` header (RFC 9110 5.6.7), made anew only when the second changes.
struct HTTPDate {
    private var second: Int64 = .min
    private var current = ""

    /// `Sun, 06 Nov 1994 08:49:37 GMT`.
    mutating func text(at now: Timestamp) -> String {
        if now.seconds == second { return current }
        second = now.seconds
        let iso = Timestamp(clampingSeconds: second).rfc3339
        let parts = iso.split { "-T:Z".contains($0) }
        let days = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        let day = days[Int(second / 86_400 % 7)]
        let month = months[(Int(parts[1]) ?? 1) - 1]
        current = "\(day), \(parts[2]) \(month) \(parts[0]) \(parts[3]):\(parts[4]):\(parts[5]) GMT"
        return current
    }
}
