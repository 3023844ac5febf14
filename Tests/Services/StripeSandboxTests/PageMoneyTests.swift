import Testing

@testable import StripeSandbox
