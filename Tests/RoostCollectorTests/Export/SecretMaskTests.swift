import RoostCore
import RoostHTTPClient
import Testing

@testable import RoostCollector

@Suite struct SecretMaskTests {
    private func mask(
        _ value: String, url: String = "http://peer:4318/v1/traces",
        _ environment: [String: String] = [:]
    ) -> SecretMask {
        SecretMask(
            headers: [.init(name: "authorization", value: value)], urls: ExportURLs(traces: url),
            environment: environment)
    }

    @Test(arguments: [
        ("Bearer s3cr3t", "bad Bearer s3cr3t here", "bad *** here"),
        ("Bearer s3cr3t", "bad token s3cr3t", "bad token ***"),
        ("Bearer S3cr3t", "bad token s3CR3T", "bad token ***"),
        ("Bearer s3cr3t", "Bearer is missing", "Bearer is missing"),
        ("Bearer s3cr3t", "no Bearer", "no Bearer"),
        // Cut by the peer.
        ("Bearer s3cr3t-token", "bad token s3cr3t", "bad token ***"),
        ("Bearer s3cr3t-token", "bad token s3c", "bad token s3c"),
        ("Basic YWRtaW46aHVudGVyMnB3", "admin, password hunter2pw", "admin, password ***"),
        ("Basic YWRtaW46aHVudGVyMnB3", "user admin:hunter2pw", "user ***"),
        ("Basic YWRtaW46aHVudGVyMnB3", "bad YWRtaW46aHVudGVyMnB3.", "bad ***."),
        ("p\"ass\"w", #"{"error":"p\"ass\"w"}"#, #"{"error":"***"}"#),
        ("abc", "bad key abc", "bad key abc"), ("tok-1, tok-2", "tok-1, tok-2!", "***!"),
    ])
    func `values of headers are masked, whole and in parts`(
        value: String, text: String, shown: String
    ) {
        #expect(mask(value).masked(text) == shown)
    }

    @Test(arguments: [
        ("http://peer:4318/k/hunter2/v1/traces", "cannot POST /k/hunter2/v1/traces"),
        ("http://peer:4318/k/hunter2pw", "no key hunter2pw at /K/hunter2pw"),
        ("http://peer:4318/k%2Dhunter2/v1/traces", "cannot POST /k-hunter2"),
        (
            "https://peer/hunter2/opentelemetry.proto.collector.trace.v1.TraceService/Export",
            "unknown service /hunter2/opentelemetry"
        ),
    ])
    func `the path of an address is masked, too`(url: String, text: String) {
        let shown = mask("none", url: url).masked(text)
        #expect(!shown.lowercased().contains("hunter2") && shown.contains("***"))
    }

    @Test func `paths of OTLP are no secret`() {
        let text = "cannot POST /v1/traces"
        #expect(mask("none").masked(text) == text)
        #expect(mask("none", url: "http://peer:4318/").masked(text) == text)
    }

    @Test(arguments: ["http_proxy", "HTTPS_PROXY", "all_proxy"])
    func `names and passwords of proxies are masked, however wrong the address`(name: String) {
        for address in [
            "foo://user:hunter2@127.0.0.1:1", "user:hunter2@[::zz]", "http://user:hunter%32@x:1",
        ] {
            let shown = mask("none", [name: address])
                .masked("Unsupported proxy scheme for '\(address)', hunter2")
            #expect(!shown.contains("hunter"))
        }
        #expect(mask("none", [name: "http://proxy:1"]).masked("proxy:1") == "proxy:1")
    }

    @Test func `a secret that lies across the place where a text is cut is not shown in part`()
        throws
    {
        let token = String(repeating: "S3cret", count: 1000)
        let destination = Destination(
            settings { $0.headers = [.init(name: "authorization", value: "Bearer " + token)] },
            index: 0, log: Log(level: .error))
        for padding in [0, 285, 4000, 4080] {
            var answer = ClientAnswer()
            answer.httpStatus = 401
            answer.headers = [(name: "content-type", value: "text/plain")]
            answer.body = Array((String(repeating: "x", count: padding) + token).utf8)
            let text = destination.withoutSecrets(
                classify(answer, .httpProtobuf, unixSeconds: 0)
            ).text
            #expect(!text.contains("S3c") && text.utf8.count <= 300)
            #expect(text.contains("***") || padding > 300)
        }
    }

    @Test func `a short text ends with a whole character`() {
        #expect(shortText(String(repeating: "x", count: 300).utf8).utf8.count == 300)
        #expect(
            shortText((String(repeating: "x", count: 299) + "éy").utf8)
                == String(repeating: "x", count: 299))
        #expect(
            shortText((String(repeating: "x", count: 298) + "éy").utf8)
                == String(repeating: "x", count: 298) + "é")
    }
}
