import BusContract
import Testing

@Suite struct ScopeTests {
    @Test func scopesSortByTheirText() {
        #expect([Scope.provider, .billingRead].sorted() == [.provider, .billingRead])
    }
}
