import RoostCore
import Testing

@testable import RoostHTTPClient

@Suite struct UploadTests {
    private func request(_ parts: [[UInt8]], _ flavour: ClientRequest.Flavour) -> ClientRequest {
        var request = ClientRequest(url: "http://x")
        request.body = parts.map { ByteBlock($0).slice }
        request.flavour = flavour
        return request
    }

    private func readAll(_ upload: inout Upload, chunk: Int) -> [UInt8] {
        var all: [UInt8] = []
        while true {
            var part = [UInt8](repeating: 0, count: chunk)
            let count = unsafe part.withUnsafeMutableBytes { unsafe upload.read(into: $0) }
            if count == 0 { return all }
            all += part[..<count]
        }
    }

    @Test(arguments: 1...9)
    func `parts come in order whatever the size asked for`(chunk: Int) {
        var upload = Upload(request([[1, 2, 3], [], [4], [5, 6]], .http))
        #expect(upload.total == 6)
        #expect(readAll(&upload, chunk: chunk) == [1, 2, 3, 4, 5, 6])
        #expect(upload.isComplete)
    }

    @Test func `gRPC puts flag and length in front`() {
        var plain = Upload(request([[7], [8]], .grpc(compression: nil)))
        #expect(readAll(&plain, chunk: 3) == [0, 0, 0, 0, 2, 7, 8])
        var packed = Upload(request([[7]], .grpc(compression: "gzip")))
        #expect(readAll(&packed, chunk: 100) == [1, 0, 0, 0, 1, 7])
    }

    @Test(arguments: 0...8)
    func `reading begins again anywhere`(offset: Int) {
        var upload = Upload(request([[1], [2, 3]], .grpc(compression: nil)))
        _ = readAll(&upload, chunk: 4)
        #expect(upload.seek(to: offset) == true)
        #expect(readAll(&upload, chunk: 4) == Array([0, 0, 0, 0, 3, 1, 2, 3].dropFirst(offset)))
        #expect(upload.seek(to: 9) == false)
        #expect(upload.seek(to: -1) == false)
    }
}

@Suite struct UploadRoomTests {
    @Test func `with what libcurl has there is no more than half of the room`() {
        #expect(Transfer.most(behind: 0, room: 1_000_000) == 500_000)
        #expect(Transfer.most(behind: 60_000, room: 1_000_000) == 440_000)
        #expect(Transfer.most(behind: 1, room: 1000) == 499)
        #expect(Transfer.most(behind: 60_000, room: 120_000) == 0)
        #expect(Transfer.most(behind: 60_000, room: .min) == 0)
    }

    @Test func `where libcurl has nothing there is always some`() {
        for room in [40_000, 1000, 0, .min] as [Int64] {
            #expect(Transfer.most(behind: 0, room: room) == (room == 40_000 ? 20_000 : 16_384))
        }
    }
}

@Suite struct HeaderCodingTests {
    @Test(arguments: [
        ("", [] as [UInt8]?), ("AA==", [0]), ("AA", [0]), ("AAE=", [0, 1]), ("AAE", [0, 1]),
        ("AAEC", [0, 1, 2]), ("+/+/", [0xFB, 0xFF, 0xBF]), ("A", nil), ("A=A=", nil), ("A*AA", nil),
        ("AA===", nil),
    ])
    func `base64 is read with and without padding`(text: String, bytes: [UInt8]?) {
        #expect(base64Decoded(text) == bytes)
    }

    @Test(arguments: [
        ("plain", "plain"), ("a%20b", "a b"), ("%E2%80%A6", "…"), ("100%", "100%"), ("%zz", "%zz"),
        ("%4", "%4"), ("%FF", "\u{FFFD}"),
    ])
    func `percent-encoding is undone`(text: String, expected: String) {
        #expect(percentDecoded(text) == expected)
    }

    @Test func `a cut or compressed gRPC message is none`() {
        var answer = ClientAnswer()
        let cases: [([UInt8], [UInt8]?)] = [
            ([], nil), ([0, 0, 0, 0], nil), ([0, 0, 0, 0, 0], []), ([0, 0, 0, 0, 2, 1], nil),
            ([1, 0, 0, 0, 1, 1], nil), ([0, 0, 0, 0, 1, 9, 9], [9]),
            ([0, 255, 255, 255, 255, 1], nil),
        ]
        for (body, message) in cases {
            answer.body = body
            #expect(answer.grpcMessage.map(Array.init) == message)
        }
    }
}
