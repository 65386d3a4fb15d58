import Foundation
import RoostHTTPClient
import Testing

@testable import RoostCollector

@Suite struct ExportClassifierTests {
    private func http(
        _ status: Int, _ headers: [(String, String)] = [], body: [UInt8] = []
    ) -> ClientAnswer {
        var answer = ClientAnswer()
        answer.httpStatus = status
        answer.headers = headers.map { (name: $0.0, value: $0.1) }
        answer.body = body
        answer.isUploadComplete = true
        return answer
    }

    private func grpc(_ status: Int, _ headers: [(String, String)] = []) -> ClientAnswer {
        http(
            200, [("content-type", "application/grpc"), ("grpc-status", String(status))] + headers)
    }

    private func reason(_ verdict: ExportVerdict) -> String {
        switch verdict {
        case .delivered: "delivered"
        case .retryable: "retryable"
        case .tooLarge: "tooLarge"
        case .brokenUpload: "broken"
        case .unanswered: "unanswered"
        case .doubtful: "doubtful"
        case .unconfirmed: "unconfirmed"
        case .permanent: "permanent"
        }
    }

    @Test func `HTTP statuses go by the table of the specification`() {
        for status in 300..<600 {
            let expected =
                switch status {
                case 429, 502, 503, 504: "retryable"
                case 413: "tooLarge"
                default: "permanent"
                }
            let verdict = classify(http(status), .httpProtobuf, unixSeconds: 0)
            #expect(reason(verdict) == expected, "HTTP \(status)")
        }
    }

    @Test func `gRPC codes go by the table of the specification`() {
        for code in 1...20 {
            let expected =
                switch code {
                case 1, 4, 10, 11, 14, 15: "retryable"
                case 8: "tooLarge"
                default: "permanent"
                }
            let verdict = classify(grpc(code), .grpc, unixSeconds: 0)
            #expect(reason(verdict) == expected, "code \(code)")
        }
    }

    /// `Status { code: 14, details: [Any(RetryInfo { retry_delay: 2.5 s })] }` in base64, as
    /// Python's protobuf writes it.
    private let retryInfo =
        "CA4aNgoodHlwZS5nb29nbGVhcGlzLmNvbS9nb29nbGUucnBjLlJldHJ5SW5mbxIKCggIAhCAyrXuAQ=="

    @Test func `RESOURCE_EXHAUSTED is worth a repetition only with RetryInfo`() {
        let answer = grpc(8, [("grpc-status-details-bin", retryInfo)])
        let verdict = classify(answer, .grpc, unixSeconds: 0)
        #expect(
            verdict
                == .retryable(
                    .retryLater, "gRPC RESOURCE_EXHAUSTED", after: .milliseconds(2500)))
    }

    @Test func `RetryInfo is read without padding too, and the message is decoded`() {
        let answer = grpc(
            14,
            [
                ("grpc-message", "come%20back%E2%80%A6"),
                ("grpc-status-details-bin", String(retryInfo.prefix { $0 != "=" })),
            ])
        #expect(
            classify(answer, .grpc, unixSeconds: 0)
                == .retryable(
                    .retryLater, "gRPC UNAVAILABLE: come back…", after: .milliseconds(2500)))
    }

    @Test(arguments: [
        ("7", Duration.seconds(7)), ("0", .zero), ("Sun, 06 Nov 1994 08:49:47 GMT", .seconds(10)),
        ("Sun, 06 Nov 1994 08:49:00 GMT", .zero), ("soon", nil), ("-5", nil), ("", nil),
        ("Sunday, 06-Nov-94 08:49:47 GMT", .seconds(10)), ("+5", nil),
        ("Sun Nov  6 08:49:47 1994", .seconds(10)), ("Sun Nov  6 08:49:47", nil),
        ("Monday, 07-Nov-44 08:49:37 GMT", .seconds(1_578_009_600)),
        ("Monday, 07-Nov-45 08:49:37 GMT", .zero), ("Sunday, 06-Nov-1994 08:49:47 GMT", nil),
        ("9223372036854775807", .seconds(1 << 31)), ("9223372036854775808", .seconds(1 << 31)),
        ("99999999999999999999", .seconds(1 << 31)),
        ("Fri, 31 Dec 9999 23:59:59 GMT", .seconds(1 << 31)),
    ])
    func `Retry-After is read as seconds and in all three forms of a date`(
        text: String, expected: Duration?
    ) {
        let verdict = classify(
            http(503, [("retry-after", text)]), .httpProtobuf, unixSeconds: 784_111_777)
        #expect(verdict == .retryable(.retryLater, "HTTP 503", after: expected))
    }

    @Test func `RetryInfo in the body of an HTTP answer counts, and Retry-After before it`() throws
    {
        let delay =
            Array(
                #"{"code":14,"message":"","details":[{"@type":"x/google.rpc.Help"},{"@type":"#.utf8)
            + Array(#""type.googleapis.com/google.rpc.RetryInfo","retryDelay":"2.500s"}]}"#.utf8)
        let encoded = try #require(Data(base64Encoded: retryInfo))
        for (type, body) in [
            ("application/json", delay), ("application/x-protobuf", Array(encoded)),
        ] {
            let told = http(503, [("content-type", type)], body: body)
            #expect(
                classify(told, .httpProtobuf, unixSeconds: 0)
                    == .retryable(.retryLater, "HTTP 503", after: .milliseconds(2500)))
            let both = http(503, [("content-type", type), ("retry-after", "7")], body: body)
            #expect(
                classify(both, .httpProtobuf, unixSeconds: 0)
                    == .retryable(.retryLater, "HTTP 503", after: .seconds(7)))
        }
    }

    @Test func `a connection that ends after the request and before any answer is told apart`() {
        var answer = http(0)
        answer.failure = ClientFailure(.connectionLost, "x")
        for form in ExportProtocol.allCases {
            #expect(classify(answer, form, unixSeconds: 0) == .unanswered("x"))
        }
        answer.httpStatus = 200
        #expect(
            classify(answer, .grpc, unixSeconds: 0)
                == .retryable(.connectionLost, "x", after: nil))
    }

    @Test func `an answer to gRPC without a status says nothing`() {
        let answer = http(200, [("content-type", "application/grpc+proto")])
        #expect(
            classify(answer, .grpc, unixSeconds: 0)
                == .doubtful(.invalidAnswer, "HTTP 200 without grpc-status"))
    }

    @Test func `a partial success is told with its count and message`() {
        let body: [UInt8] = [0x0A, 7, 0x08, 3, 0x12, 3] + Array("bad".utf8)
        let type = [("content-type", "application/x-protobuf")]
        let expected = ExportVerdict.delivered(rejected: 3, message: "bad")
        #expect(classify(http(200, type, body: body), .httpProtobuf, unixSeconds: 0) == expected)
        var answer = grpc(0)
        answer.body = [0, 0, 0, 0, UInt8(body.count)] + body
        #expect(classify(answer, .grpc, unixSeconds: 0) == expected)
    }

    @Test(arguments: [[], [0x0A, 0]] as [[UInt8]])
    func `an empty partial success is plain success`(body: [UInt8]) {
        let answer = http(200, [("content-type", "application/x-protobuf")], body: body)
        #expect(classify(answer, .httpProtobuf, unixSeconds: 0) == .taken)
    }

    @Test(
        arguments: [
            [0x0A, 0xFF, 0xFF], [0x0A, 2, 0x08], [0xFF, 0xFF], [0x0A, 0x80], [0x0B, 1],
            [0x0A, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F],
        ] as [[UInt8]])
    func `a damaged answer to a request that was taken is success`(body: [UInt8]) {
        let answer = http(200, [("content-type", "application/x-protobuf")], body: body)
        #expect(classify(answer, .httpProtobuf, unixSeconds: 0) == .taken)
    }

    @Test(arguments: [
        (2, "grpc: received message larger than max (5242880 vs. 4194304)"),
        (11, "Error, decoded message length too large: found 5242880 bytes, the limit is: 4194304"),
        (8, "gRPC message exceeds maximum size 4194304: 5242880"),
        (13, "Received message exceeds the maximum configured message size."),
        (14, "upstream: request body too large"), (3, "Message Too Large"),
    ])
    func `a message that tells of the size is about the size, whatever the code`(
        code: Int, message: String
    ) {
        let answer = grpc(code, [("grpc-message", message.replacing(" ", with: "%20"))])
        #expect(reason(classify(answer, .grpc, unixSeconds: 0)) == "tooLarge")
        let delayed = grpc(
            code, [("grpc-message", message), ("grpc-status-details-bin", retryInfo)])
        #expect(reason(classify(delayed, .grpc, unixSeconds: 0)) != "tooLarge")
    }

    @Test(arguments: [
        (400, "text/plain", "http: request body too large", "tooLarge"),
        (400, "application/json", #"{"code":3,"message":"Request Entity Too Large"}"#, "tooLarge"),
        (500, "text/plain", "Maximum upload size exceeded", "tooLarge"),
        (400, "text/plain", "span name too long", "permanent"),
        (503, "text/plain", "request body too large", "retryable"),
        (200, "text/plain", "body too large", "delivered"),
    ])
    func `an HTTP refusal that tells of the size is about the size`(
        status: Int, type: String, text: String, expected: String
    ) {
        let answer = http(status, [("content-type", type)], body: Array(text.utf8))
        #expect(reason(classify(answer, .httpProtobuf, unixSeconds: 0)) == expected)
    }

    @Test(arguments: [
        (#"{"partialSuccess":{"rejectedSpans":"3","errorMessage":"bad"}}"#, 3, "bad"),
        (#"{"partialSuccess":{"rejectedLogRecords":2}}"#, 2, nil),
        (#"{"partialSuccess":{"rejectedDataPoints":"-1"}}"#, -1, nil),
        (#"{"partialSuccess":{}}"#, 0, nil), ("{}", 0, nil), ("{", 0, nil), ("[1]", 0, nil),
    ])
    func `a partial success is read as JSON, too`(text: String, rejected: Int, message: String?) {
        let type = [("content-type", "application/json")]
        let answer = http(200, type, body: Array(text.utf8))
        #expect(
            classify(answer, .httpProtobuf, unixSeconds: 0)
                == .delivered(rejected: rejected, message: message))
    }

    @Test(arguments: [0, 2, 8], ExportProtocol.allCases)
    func `a stream that is reset may be about the request until all of it was handed over`(
        code: Int, form: ExportProtocol
    ) {
        var answer = http(0)
        answer.failure = ClientFailure(.streamReset(code: code), "x")
        answer.isUploadComplete = false
        let broken = ExportVerdict.brokenUpload("x", byPeer: code == 0)
        #expect(classify(answer, form, unixSeconds: 0) == broken)
        answer.isUploadComplete = true
        // What a peer says in good order counts: libcurl may have lost the answer before it.
        let expected = code == 0 ? broken : .unanswered("x")
        #expect(classify(answer, form, unixSeconds: 0) == expected)
        guard code != 0 else { return }
        answer.httpStatus = 200
        #expect(
            classify(answer, form, unixSeconds: 0)
                == .retryable(.connectionLost, "x", after: nil))
    }

    @Test func `an early answer counts though the stream is reset after it`() {
        for (status, expected) in [(413, "tooLarge"), (503, "retryable"), (403, "permanent")] {
            var answer = http(status)
            answer.failure = ClientFailure(.streamReset(code: 0), "x")
            answer.isUploadComplete = false
            #expect(reason(classify(answer, .grpc, unixSeconds: 0)) == expected)
        }
        var told = grpc(8)
        told.failure = ClientFailure(.streamReset(code: 0), "x")
        #expect(reason(classify(told, .grpc, unixSeconds: 0)) == "tooLarge")
    }

    @Test func `a yes that is too long to be read is a yes`() {
        var answer = http(200)
        answer.failure = ClientFailure(.answerTooLarge, "the answer is longer than 9 bytes")
        #expect(
            classify(answer, .httpProtobuf, unixSeconds: 0)
                == .delivered(
                    rejected: 0,
                    message: "HTTP 200, taken as a yes: the answer is longer than 9 bytes"))
        #expect(reason(classify(answer, .grpc, unixSeconds: 0)) == "permanent")
        answer.headers = [(name: "content-type", value: "text/html")]
        #expect(reason(classify(answer, .httpProtobuf, unixSeconds: 0)) == "permanent")
        answer.headers = []
        answer.httpStatus = 301
        #expect(reason(classify(answer, .httpProtobuf, unixSeconds: 0)) == "permanent")
        answer.httpStatus = 503
        #expect(reason(classify(answer, .httpProtobuf, unixSeconds: 0)) == "retryable")
    }

    @Test func `a gRPC answer that is too long is a yes unless its head says otherwise`() {
        var answer = http(200, [("content-type", "application/grpc")])
        answer.failure = ClientFailure(.answerTooLarge, "too long")
        #expect(
            classify(answer, .grpc, unixSeconds: 0)
                == .delivered(rejected: 0, message: "HTTP 200, taken as a yes: too long"))
        answer.headers.append((name: "grpc-status", value: "3"))
        #expect(reason(classify(answer, .grpc, unixSeconds: 0)) == "permanent")
        answer.headers = [(name: "content-type", value: "text/html")]
        #expect(reason(classify(answer, .grpc, unixSeconds: 0)) == "permanent")
    }

    /// A partial success whose text was longer than what is kept of answers.
    private static let cutPartial: [UInt8] =
        [0x0A, 0xFF, 0xFF, 0x7F, 8, 3, 0x12, 0xF9, 0xFF, 0x7F] + Array("bad".utf8)

    @Test func `a partial success that is cut off is told with its count`() {
        var answer = http(
            200, [("content-type", "application/x-protobuf")], body: Self.cutPartial)
        answer.droppedBytes = 2_097_140
        let expected = ExportVerdict.delivered(rejected: 3, message: "bad")
        #expect(classify(answer, .httpProtobuf, unixSeconds: 0) == expected)
        answer = grpc(0)
        answer.body = [0, 0, 0x20, 0, 3] + Self.cutPartial
        answer.droppedBytes = 2_097_155 - Self.cutPartial.count
        #expect(classify(answer, .grpc, unixSeconds: 0) == expected)
    }

    @Test(arguments: [
        (#"{"partialSuccess":{"rejectedSpans":"7","errorMessage":"xxx"#, 7),
        (#"{"partialSuccess":{"rejectedSpans":7,"errorMessage":"#, 7),
        (#"{"partialSuccess":{"errorMessage":"x","rejectedSpans":"12"#, 0),
        (#"{"partialSuccess":{"errorMessage":"x","rejectedSpans":12"#, 0),
    ])
    func `a partial success that is cut off is told with its count as JSON, too`(
        text: String, rejected: Int
    ) throws {
        var answer = http(200, [("content-type", "application/json")], body: Array(text.utf8))
        answer.droppedBytes = 1
        let verdict = classify(answer, .httpProtobuf, unixSeconds: 0)
        guard case .delivered(rejected, let message?) = verdict else {
            Issue.record("\(verdict)")
            return
        }
        #expect(message.contains("the answer is longer than \(text.utf8.count) bytes"))
    }

    @Test(arguments: [
        (
            #"{"code":14,"details":[{"@type":"x/google.rpc.RetryInfo","retryDelay":"30s"}],"message":"x"#,
            30
        ),
        (#"{"details":[{"@type":"x/google.rpc.RetryInfo","retryDelay":"30s"},{"@type":"#, 30),
        (#"{"details":[{"@type":"x/google.rpc.RetryInfo","retryDelay":"30"#, nil),
        (#"{"message":"xxx"#, nil),
    ])
    func `RetryInfo before the cut counts, and half of one is none`(text: String, seconds: Int?) {
        var answer = http(503, [("content-type", "application/json")], body: Array(text.utf8))
        answer.droppedBytes = 1
        guard
            case .retryable(.retryLater, _, let after) = classify(
                answer, .httpProtobuf, unixSeconds: 0)
        else {
            Issue.record("another verdict")
            return
        }
        #expect(after == seconds.map { Duration.seconds($0) })
    }

    @Test func `what could have said more than was read is told so`() {
        let text = "taken as a yes: the answer is longer than 5 bytes"
        let bodies: [(type: String, body: [UInt8], message: String)] = [
            ("application/x-protobuf", [0x12, 0x7F, 1, 1, 1], text),
            ("application/x-protobuf", [0x0A, 0x7F, 0x12, 0x7D, 0x78], text + ": x"),
            ("application/json", Array(#"{"par"#.utf8), text),
        ]
        for (type, body, message) in bodies {
            var answer = http(200, [("content-type", type)], body: body)
            answer.droppedBytes = 1
            #expect(
                classify(answer, .httpProtobuf, unixSeconds: 0)
                    == .delivered(rejected: 0, message: message))
        }
    }

    @Test func `a call whose status is lost is a yes where its message says something`() {
        var answer = http(200, [("content-type", "application/grpc")], body: [0, 0, 0, 0, 0])
        answer.failure = ClientFailure(.statusLost, "x")
        #expect(classify(answer, .grpc, unixSeconds: 0) == .unconfirmed("x"))
        answer.body = [0, 0, 0, 0, 4, 0x0A, 2, 8, 3]
        #expect(
            classify(answer, .grpc, unixSeconds: 0)
                == .delivered(rejected: 3, message: "HTTP 200, taken as a yes: x"))
    }

    @Test func `a web page is no answer`() {
        let answer = http(200, [("content-type", "text/html; charset=utf-8")], body: [0x3C])
        #expect(reason(classify(answer, .httpProtobuf, unixSeconds: 0)) == "permanent")
    }

    @Test func `the message in an error's body is told`() {
        let text = [("content-type", "text/plain")]
        #expect(
            classify(http(400, text, body: Array("no".utf8)), .httpProtobuf, unixSeconds: 0)
                == .permanent(.permanent, "HTTP 400: no"))
        let status = [("content-type", "application/x-protobuf")]
        #expect(
            classify(http(400, status, body: [8, 3, 0x12, 1, 0x78]), .httpProtobuf, unixSeconds: 0)
                == .permanent(.permanent, "HTTP 400: x"))
    }

    @Test(arguments: [
        (ClientFailure.Kind.unreachable, FailureReason.unreachable), (.tls, .tls),
        (.timeout, .timeout), (.malformedAnswer, .invalidAnswer),
        (.streamReset(code: 7), .connectionLost),
    ])
    func `a broken transport is tried again`(kind: ClientFailure.Kind, reason: FailureReason) {
        var answer = http(0)
        answer.failure = ClientFailure(kind, "x")
        for form in ExportProtocol.allCases {
            #expect(
                classify(answer, form, unixSeconds: 0) == .retryable(reason, "x", after: nil))
        }
    }

    @Test func `an answer that came before the connection broke counts`() {
        var answer = http(413)
        answer.failure = ClientFailure(.connectionLost, "reset")
        answer.isUploadComplete = false
        #expect(classify(answer, .httpProtobuf, unixSeconds: 0) == .tooLarge("HTTP 413"))
        answer.httpStatus = 0
        #expect(
            classify(answer, .httpProtobuf, unixSeconds: 0)
                == .brokenUpload("reset", byPeer: false))
    }

    @Test(arguments: [
        (503, "retryable"), (404, "permanent"), (413, "tooLarge"), (200, "permanent"),
    ])
    func `a proxy's answer to gRPC stands for a code`(status: Int, expected: String) {
        #expect(reason(classify(http(status), .grpc, unixSeconds: 0)) == expected)
    }
}
