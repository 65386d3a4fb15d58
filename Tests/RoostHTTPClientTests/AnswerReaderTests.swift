import Testing

@testable import RoostHTTPClient

@Suite struct AnswerReaderTests {
    private func reader(_ change: (inout ClientRequest) -> Void = { _ in }) -> AnswerReader {
        var request = ClientRequest(url: "http://127.0.0.1")
        change(&request)
        return AnswerReader(request)
    }

    private func isTaken(_ line: String, by reader: inout AnswerReader) -> Bool {
        unsafe Array(line.utf8).withUnsafeBytes { unsafe reader.receiveHeader($0) }
    }

    private func isTaken(_ bytes: [UInt8], by reader: inout AnswerReader) -> Bool {
        unsafe bytes.withUnsafeBytes { unsafe reader.receiveBody($0) }
    }

    /// How many lines of an endless row of them are taken.
    private func taken(_ line: String, by reader: inout AnswerReader) -> Int {
        (0..<1_000_000).first { _ in !isTaken(line, by: &reader) } ?? .max
    }

    @Test(arguments: [
        "x-value: \(String(repeating: "v", count: 90))\r\n", "a:\r\n", "HTTP/1.1 100 Continue\r\n",
        "\r\n", "\n",
    ])
    func `header lines have an end, before the head and after it`(_ line: String) {
        for head in ["", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\n|\r\n"] {
            var reader = reader()
            for part in head.split(separator: "|") { #expect(isTaken(String(part), by: &reader)) }
            #expect(taken(line, by: &reader) <= 65_536 / (line.utf8.count + 128))
            #expect(reader.answer.failure?.kind == .malformedAnswer)
        }
    }

    @Test func `a head of many kilobytes is taken`() {
        var reader = reader()
        #expect(isTaken("HTTP/1.1 200 OK\r\n", by: &reader))
        for step in 0..<100 {
            let line = "x-\(step):  \(String(repeating: "v", count: 400)) \r\n"
            #expect(isTaken(line, by: &reader))
        }
        #expect(isTaken("\r\n", by: &reader) && reader.isHeadComplete)
        #expect(reader.answer.headers.count == 100 && reader.answer.header("x-99")?.count == 400)
    }

    @Test func `of a long body the beginning is kept, and the rest counted`() {
        var reader = reader {
            $0.maxKeptBytes = 10
            $0.maxAnswerBytes = 20
        }
        for step in 0..<4 {
            #expect(isTaken([UInt8](repeating: UInt8(step), count: 4), by: &reader))
        }
        #expect(reader.answer.body == [0, 0, 0, 0, 1, 1, 1, 1, 2, 2])
        #expect(reader.answer.droppedBytes == 6 && reader.answer.failure == nil)
        #expect(isTaken([4, 4, 4, 4], by: &reader) && !isTaken([5], by: &reader))
        #expect(reader.answer.failure?.kind == .answerTooLarge && reader.answer.body.count == 10)
    }

    @Test func `of a long gRPC message the beginning is given`() {
        var reader = reader { $0.maxKeptBytes = 8 }
        #expect(isTaken([0, 0, 0, 0, 6, 1, 2, 3, 4, 5], by: &reader))
        #expect(reader.answer.grpcMessage == nil && !reader.answer.isOneGRPCMessage)
        #expect(isTaken([6], by: &reader))
        #expect(reader.answer.grpcMessage == [1, 2, 3] && reader.answer.isOneGRPCMessage)
        #expect(isTaken([7], by: &reader) && !reader.answer.isOneGRPCMessage)
    }

    @Test func `every byte is progress`() {
        var reader = reader { $0.maxKeptBytes = 1 }
        var last = reader.progress
        for step in 0..<3 {
            let isHeader = step == 0
            let isGood = isHeader ? isTaken("a: b\r\n", by: &reader) : isTaken([1, 2], by: &reader)
            #expect(isGood && reader.progress > last)
            last = reader.progress
        }
    }
}
