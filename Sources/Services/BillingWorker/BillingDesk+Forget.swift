import BillingCore
import BillingStorage
import BusContract
import BusCore
import BusSQL

extension BillingDesk {
    /// Says what is stored of an account and, once that is confirmed, removes what names the person behind it.
    ///
    /// An account that is forgotten stays so: asking again says since when.
    package func forget(_ request: AccountForget, at now: Timestamp) async throws -> ForgottenReport {
        guard let confirmed = request.confirm else {
            return try await database.read { try ForgottenAccounts($0).report(on: request.accountID) }
        }
        return try await commits.perform { connection in
            let accounts = ForgottenAccounts(connection)
            var report = try accounts.report(on: request.accountID)
            guard UUIDText.normalized(confirmed) == report.alias else {
                throw BusError(
                    .invalidRequest,
                    "confirm is not what this account would be known as; ask without it, and confirm what that says")
            }
            if report.isForgotten { return report }
            try report.check(isForced: request.isForced)
            if try accounts.isHandingOverUsage(of: request.accountID, at: now) {
                throw BusError(
                    .billingUnavailable, "usage of this account is being handed over now; try again in a minute")
            }
            try accounts.forget(request.accountID, at: now)
            report.isForgotten = true
            report.forgottenAt = now
            return report
        }
    }

    /// Refuses to sell to an account that was forgotten: what it pays for would open nothing.
    func checkThatItIsKnown(_ accountID: String, _ connection: any SQLConnection) throws {
        guard try ForgottenAccounts(connection).alias(of: accountID) != nil else { return }
        throw BusError(
            .accountForgotten,
            "this account was forgotten on its person's behalf, and can buy nothing more; buy with a new account")
    }
}

extension ForgottenReport {
    /// Money that still flows stops a removal, unless it is meant.
    fileprivate func check(isForced: Bool) throws(BusError) {
        if isForced { return }
        if !running.isEmpty {
            throw BusError(
                .accountInUse,
                "the account pays for \(running.joined(separator: ", ")); cancel that at the payment company and wait "
                    + "for its end, or say that it is meant (\"force\":true, --force)")
        }
        if waitingUsages > 0 {
            throw BusError(
                .accountInUse,
                "\(waitingUsages) usages of the account wait to be billed; they end by themselves, mostly within "
                    + "minutes and at most 35 days, or say that their loss is meant (\"force\":true, --force)")
        }
    }
}
