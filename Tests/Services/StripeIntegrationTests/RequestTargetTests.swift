import BusServer
import Testing

@Suite("The target of a request")
struct RequestTargetTests {
    @Test(
        "is spelled one way",
        arguments: [
            ("/", "/"), ("/a/b", "/a/b"), ("/a/b?q=/x//y/", "/a/b?q=/x//y/"), ("//a/b", "/a/b"), ("/a//b/", "/a/b"),
            ("/a/b//?q", "/a/b?q"), ("///", "/"), ("/?q", "/?q"), ("http://h/a/b", "/a/b"),
            ("HTTPS://h:1//a/?q", "/a?q"),
            ("http://h", "/"), ("http://h?q", "/?q"), ("http://u@h/a", "/a"), ("*", "*"), ("h:443", "h:443"), ("", ""),
            ("ftp://h/a", "ftp://h/a"), ("/a/%2F/b", "/a/%2F/b"), ("/http://h/a", "/http:/h/a"),
        ])
    func normalized(target: String, spelled: String) {
        #expect(RequestTarget.normalized(target) == spelled)
        #expect(RequestTarget.path(target) == spelled.prefix { $0 != "?" })
        #expect(RequestTarget.normalized(spelled) == spelled)
    }
}
