import Crypto

/// Marks the forms of a session, so that only its own page can send them.
struct PageTokens: Sendable {
    private let key = SymmetricKey(size: .bits256)

    func token(for session: String) -> String {
        HMAC<SHA256>.authenticationCode(for: Array(session.utf8), using: key)
            .map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    }

    func accepts(_ token: String?, for session: String) -> Bool {
        guard let token else { return false }
        // Compared under another code, so that the time tells nothing.
        let code = HMAC<SHA256>.authenticationCode(for: Array(self.token(for: session).utf8), using: key)
        return HMAC<SHA256>.isValidAuthenticationCode(
            code, authenticating: Array(token.utf8), using: key)
    }
}
