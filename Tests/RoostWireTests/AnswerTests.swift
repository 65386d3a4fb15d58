import RoostCore
import RoostWire
import Testing

@Suite struct ExportAnswerTests {
    @Test(arguments: Signal.allCases)
    func `says nothing when everything was taken`(_ signal: Signal) {
        #expect(answer(signal, 0, nil, .protobuf) == [])
        #expect(answer(signal, 0, "", .protobuf) == [])
        #expect(text(answer(signal, 0, nil, .json)) == "{}")
    }

    @Test(arguments: [
        (Signal.traces, "rejectedSpans"), (.metrics, "rejectedDataPoints"),
        (.logs, "rejectedLogRecords"),
    ])
    func `tells how many were rejected and why`(_ signal: Signal, _ key: String) {
        let partial = Proto.number(1, 300) + Proto.string(2, "no \"id\"")
        #expect(answer(signal, 300, "no \"id\"", .protobuf) == Proto.bytes(1, partial))
        #expect(
            text(answer(signal, 300, "no \"id\"", .json))
                == #"{"partialSuccess":{"\#(key)":"300","errorMessage":"no \"id\""}}"#)
    }

    @Test func `warns without a rejection`() {
        #expect(
            answer(.logs, 0, "late", .protobuf) == Proto.bytes(1, Proto.string(2, "late")))
        #expect(
            text(answer(.logs, 0, "late", .json)) == #"{"partialSuccess":{"errorMessage":"late"}}"#)
    }

    @Test func `cuts long messages between characters and replaces NUL`() {
        let long = String(repeating: "é", count: 5_000)
        #expect(
            answer(.traces, 0, long, .protobuf)
                == Proto.bytes(1, Proto.string(2, String(repeating: "é", count: 2_048))))
        #expect(
            answer(.traces, 0, "a\0b", .protobuf) == Proto.bytes(1, Proto.string(2, "a\u{FFFD}b")))
    }

    @Test func `packs a status with its details`() {
        let details: [StatusDetail] = [
            .retryInfo(delayMilliseconds: 1_500), .badRequest(field: "spans", description: "short"),
        ]
        let retry = Proto.bytes(1, Proto.number(1, 1) + Proto.number(2, 500_000_000))
        let bad = Proto.bytes(1, Proto.string(1, "spans") + Proto.string(2, "short"))
        let expected =
            Proto.number(1, 14) + Proto.string(2, "later")
            + Proto.bytes(
                3,
                Proto.string(1, "type.googleapis.com/google.rpc.RetryInfo")
                    + Proto.bytes(2, retry))
            + Proto.bytes(
                3,
                Proto.string(1, "type.googleapis.com/google.rpc.BadRequest") + Proto.bytes(2, bad))
        #expect(
            ExportAnswer.status(code: 14, message: "later", details: details, encoding: .protobuf)
                == expected)
        #expect(
            text(
                ExportAnswer.status(code: 14, message: "later", details: details, encoding: .json))
                == #"{"code":14,"message":"later","details":["#
                + #"{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"1.500s"},"#
                + #"{"@type":"type.googleapis.com/google.rpc.BadRequest","fieldViolations":"#
                + #"[{"field":"spans","description":"short"}]}]}"#)
    }

    /// Bytes printed by PyPI's protobuf 7.36.
    @Test func `packs what another implementation packs`() {
        let status = ExportAnswer.status(
            code: 8, message: "full",
            details: [
                .retryInfo(delayMilliseconds: 250), .badRequest(field: "f", description: "d"),
            ], encoding: .protobuf)
        #expect(
            hex(status) == "0808120466756c6c"
                + "1a330a28747970652e676f6f676c65617069732e636f6d2f676f6f676c652e7270632e5265"
                + "747279496e666f12070a051080e59a77"
                + "1a350a29747970652e676f6f676c65617069732e636f6d2f676f6f676c652e7270632e4261"
                + "645265717565737412080a060a0166120164")
        #expect(hex(answer(.logs, 1 << 40, "é", .protobuf)) == "0a0b088080808080201202c3a9")
    }

    @Test(arguments: [(-5, "0s"), (0, "0s"), (7, "0.007s"), (2_000, "2s"), (61_030, "61.030s")])
    func `writes a delay as proto3 JSON does`(_ milliseconds: Int, _ expected: String) {
        let status = ExportAnswer.status(
            code: 14, message: "", details: [.retryInfo(delayMilliseconds: milliseconds)],
            encoding: .json)
        #expect(text(status).contains("\"retryDelay\":\"\(expected)\""))
    }

    private func answer(
        _ signal: Signal, _ rejected: Int, _ message: String?, _ encoding: Encoding
    ) -> [UInt8] {
        ExportAnswer.response(
            signal: signal, rejected: rejected, message: message, encoding: encoding)
    }

    private func hex(_ bytes: [UInt8]) -> String {
        String(decoding: bytes.flatMap { [hexDigit($0 >> 4), hexDigit($0 & 15)] }, as: UTF8.self)
    }

    private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
}

@Suite struct HealthAnswerTests {
    @Test func `packs the two states`() {
        #expect(HealthAnswer.serving(true) == Proto.number(1, 1))
        #expect(HealthAnswer.serving(false) == Proto.number(1, 2))
    }

    @Test(
        arguments: [
            ([], ""), (Proto.string(1, "a.b"), "a.b"),
            (Proto.string(1, "first") + Proto.string(1, "last"), "last"),
            (
                Proto.number(2, 300) + Proto.fixed32(3, 1) + Proto.fixed64(4, 1)
                    + Proto.string(5, "x"),
                ""
            ),
            ([0x0A], nil), ([0x0A, 2, 0x61], nil), (Proto.bytes(1, [0xFF]), nil), ([0x0B], nil),
            ([0x00, 0x00], nil), ([0x15, 1], nil), ([0x11, 1], nil),
            ([UInt8](repeating: 0x80, count: 11), nil),
            ([0x0A, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01], nil),
        ] as [([UInt8], String?)])
    func `reads the service asked about`(_ request: [UInt8], _ service: String?) {
        let read = unsafe ByteBlock(request).withBytes { bytes in
            unsafe HealthAnswer.service(inRequest: bytes)
        }
        #expect(read == service)
    }
}
