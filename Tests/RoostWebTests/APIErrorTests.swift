import RoostNet
import Testing

@testable import RoostWeb

@Suite struct APIErrorTests {
    @Test(
        arguments: [
            (.unavailable("x"), "busy", 1), (.noMemory, "no_memory", 1),
            (.tooLarge(limit: 1), "too_large", nil), (.unsupportedCoding("x"), "unsupported", nil),
            (.upgradeRequired, "upgrade_required", nil),
            (.targetTooLong(limit: 1), "too_long", nil),
            (.timeout, "timeout", nil), (.malformed("x"), "bad_request", nil),
        ] as [(RequestFault, String, Int?)])
    func `a fault has the code of its status`(fault: RequestFault, code: String, retry: Int?) {
        let error = APIError(fault)
        #expect(error.status == fault.status && error.code == code && error.retryAfter == retry)
    }

    @Test(arguments: [
        ("/api/traces", true), ("/api/nothing", true), ("/api/v1/observability/traces", false),
        ("/api/v1/nothing", false), ("/metrics", false), ("", false),
    ])
    func `what is said about Jaeger's paths has Jaeger's form`(path: String, isJaeger: Bool) {
        #expect((Endpoint.Style(ofPath: path) == .jaeger) == isJaeger)
    }

    @Test func `what a stranger wrote is repeated in part`() {
        let long = "a" + String(repeating: "\u{301}", count: 1_000_000)
        for error in [
            APIError.badParameter("limit", long, allowed: "a number"), .notFound("trace", long),
            .unknownParameter(long, allowed: []), .tooLarge("trace", long),
        ] {
            #expect(error.message.utf8.count < 400)
        }
    }
}
