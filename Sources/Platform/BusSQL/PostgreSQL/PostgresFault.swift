import BusCore
import CPQ

extension SQLFault {
    /// The fault of a failed statement; its values are left out, because they may be payloads.
    init(failed result: OpaquePointer) {
        let state = SQLFault.field(UInt8(ascii: "C"), of: result)
        let message = SQLFault.field(UInt8(ascii: "M"), of: result)
        self.init(state: state, detail: "\(state) \(Redaction.redact(message))")
    }

    /// The fault of an SQLSTATE.
    init(state: String, detail: String) {
        switch (state.prefix(2), state) {
        case ("23", _): self = .constraint(detail)
        // It shuts down, starts up or ended this connection.
        case ("08", _), (_, "57P01"), (_, "57P02"), (_, "57P03"): self = .unreachable(detail)
        case (_, "42P07"): self = .taken(detail)
        case (_, "25P01"), (_, "25P02"), ("0A", _), ("21", _), ("22", _), ("26", _), ("34", _), ("3F", _), ("42", _):
            self = .refused(detail)
        // Of the server: no room, a deadlock, a time-out, a standby that takes no changes.
        default: self = .failed(detail)
        }
    }

    private static func field(_ code: UInt8, of result: OpaquePointer) -> String {
        PQresultErrorField(result, Int32(code)).map { String(cString: $0) } ?? ""
    }
}
