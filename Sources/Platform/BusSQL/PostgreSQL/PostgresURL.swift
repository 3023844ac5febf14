import BusCore
import CPQ

/// Where a PostgreSQL database is and how to log in there, as libpq reads it; printing it shows nothing.
package struct PostgresURL: Sendable {
    private let text: Secret

    /// Checks a URL or a list of `key=value`; throws what is wrong and the remedy, without any part of the text.
    package init(_ text: Secret) throws(PostgresURLFault) {
        self.text = text
        var message: UnsafeMutablePointer<CChar>?
        guard let options = PQconninfoParse(text.reveal(), &message) else {
            // libpq's own message quotes the text.
            PQfreemem(message)
            throw PostgresURLFault()
        }
        defer { PQconninfoFree(options) }
        var option = options
        while let keyword = option.pointee.keyword {
            // A password with a raw @ reaches into the host, and the host is printed.
            if ["host", "hostaddr"].contains(String(cString: keyword)), let value = option.pointee.val,
                String(cString: value).contains("@")
            {
                throw PostgresURLFault()
            }
            option += 1
        }
    }

    /// The text for libpq.
    func reveal() -> String { text.reveal() }
}

/// A text is not a PostgreSQL URL.
package struct PostgresURLFault: Error, CustomStringConvertible {
    /// What is wrong, then the remedy; it follows the name of the setting.
    package let description = """
        is not a PostgreSQL URL; write postgres://user:password@host:5432/database, \
        with %40 for an @ and %2F for a / in the password
        """
}
