import RoostCollector
import RoostCore
import RoostNet
import Testing

@testable import RoostWeb

@Suite struct AccessControlTests {
    private func control(_ tokens: [String] = []) -> AccessControl {
        AccessControl(
            hosts: AllowedHosts(listeners: [("web", ListenAddress(host: "127.0.0.1", port: 8080))]),
            credentials: Credentials(tokens))
    }

    private func head(
        _ method: String, _ headers: [(String, String)] = [], host: String = "localhost:8080",
        path: String = "/api/x", peer: String = "127.0.0.1"
    ) -> RequestHead {
        RequestHead(
            method: method, target: path, headers: [("host", host)] + headers, peerAddress: peer)
    }

    @Test(
        arguments: [
            ("POST", "http://evil.example", 403), ("PUT", "null", 403),
            ("POST", "http://localhost:8081", 403), ("POST", "http://localhost:8080", nil),
            ("POST", "https://LOCALHOST:8080", nil), ("GET", "http://evil.example", nil),
        ] as [(String, String, Int?)])
    func `a page of another origin changes nothing`(
        method: String, origin: String, status: Int?
    ) {
        let found = control().refusal(head(method, [("origin", origin)]), now: 0)
        #expect(found?.status == status)
    }

    @Test func `a page of another origin opens no WebSocket`() {
        let upgrade = [("upgrade", "websocket"), ("origin", "http://evil.example")]
        #expect(control().refusal(head("GET", upgrade), now: 0)?.status == 403)
    }

    @Test func `a foreign host name is refused without tokens`() {
        #expect(control().refusal(head("GET", host: "evil.example"), now: 0)?.status == 403)
        let bearer = [("authorization", "Bearer one")]
        #expect(control(["one"]).refusal(head("GET", bearer, host: "x.example"), now: 0) == nil)
    }

    @Test func `programs show a token, people are sent to the login`() {
        let control = control(["one", "two"])
        #expect(control.refusal(head("GET", [("authorization", "Bearer two")]), now: 0) == nil)
        let refused = control.refusal(head("GET", [("authorization", "Bearer x")]), now: 0)
        #expect(refused?.status == 401)
        let person = control.refusal(head("GET", [("accept", "text/html")], path: "/a?b"), now: 0)
        #expect(person?.status == 303)
        #expect(person?.headers.first { $0.0 == "location" }?.1 == "/login?next=/a")
    }

    @Test func `a login gives a cookie that is good until it ends`() throws {
        let control = control(["one"])
        let wrong = control.login(
            head("POST"), body: ByteBlock(Array("token=two".utf8)), now: 1)
        #expect(wrong.status == 401)
        let answer = control.login(
            head("POST"), body: ByteBlock(Array("token=one&next=//evil".utf8)), now: 1)
        #expect(answer.status == 303)
        #expect(answer.headers.first { $0.0 == "location" }?.1 == "/")
        let cookie = try #require(answer.headers.first { $0.0 == "set-cookie" }?.1)
        #expect(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"))
        let session = [("cookie", "a=b; " + cookie.prefix { $0 != ";" })]
        #expect(control.refusal(head("GET", session), now: 2) == nil)
        #expect(control.refusal(head("POST", session + [("origin", "http://x")]), now: 2) != nil)
        #expect(control.refusal(head("GET", session), now: 50_000_000_000_000)?.status == 401)
        _ = control.logout(head("POST", session))
        #expect(control.refusal(head("GET", session), now: 2)?.status == 401)
    }

    @Test func `a login is over when its token is no longer good, also when that comes back`()
        throws
    {
        let credentials = Credentials(["one", "two"])
        let control = AccessControl(
            hosts: AllowedHosts(listeners: [("web", ListenAddress(host: "127.0.0.1", port: 8080))]),
            credentials: credentials)
        func login(_ token: String) throws -> [(String, String)] {
            let answer = control.login(
                head("POST"), body: ByteBlock(Array("token=\(token)".utf8)), now: 1)
            let cookie = try #require(answer.headers.first { $0.0 == "set-cookie" }?.1)
            return [("cookie", String(cookie.prefix { $0 != ";" }))]
        }
        let (one, two) = (try login("one"), try login("two"))
        credentials.use(["two", "three"])
        #expect(control.refusal(head("GET", one), now: 2)?.status == 401)
        #expect(control.refusal(head("GET", two), now: 2) == nil)
        credentials.use(["one", "two"])
        #expect(control.refusal(head("GET", one), now: 2)?.status == 401)
    }

    @Test func `a cookie is found in several fields, and behind another of its name`() throws {
        let control = control(["one"])
        let answer = control.login(head("POST"), body: ByteBlock(Array("token=one".utf8)), now: 1)
        let cookie = try #require(answer.headers.first { $0.0 == "set-cookie" }?.1)
        let session = ("cookie", String(cookie.prefix { $0 != ";" }))
        let other = ("cookie", "a=b")
        #expect(control.refusal(head("GET", [other, session]), now: 2) == nil)
        #expect(control.refusal(head("GET", [session, other]), now: 2) == nil)
        #expect(
            control.refusal(head("GET", [("cookie", "roost_session=x"), session]), now: 2) == nil)
        _ = control.logout(head("POST", [other, session]))
        #expect(control.refusal(head("GET", [session]), now: 2)?.status == 401)
    }

    @Test func `changes from afar need a token`() {
        #expect(control().administrativeRefusal(head("PUT")) == nil)
        #expect(control().administrativeRefusal(head("PUT", peer: "10.0.0.7"))?.status == 403)
        #expect(control().administrativeRefusal(head("PUT", peer: ""))?.status == 403)
        #expect(control(["one"]).administrativeRefusal(head("PUT", peer: "10.0.0.7")) == nil)
    }
}
