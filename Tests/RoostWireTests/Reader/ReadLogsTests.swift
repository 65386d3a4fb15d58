import Testing

@testable import RoostWire

@Suite struct ReadLogsTests {
    private func read(_ record: [UInt8]...) -> Outcome {
        RoostWireTests.read(request(record.flatMap { item($0) }), .logs)
    }

    @Test func `shows body and attributes`() {
        let record =
            Proto.bytes(5, Proto.string(1, "hello"))
            + Proto.bytes(6, keyValue("k", Proto.number(3, 4)))
        #expect(read(record).lines.last == "log hello k=4")
    }

    @Test func `merges a body that comes twice`() {
        let first = Proto.bytes(5, Proto.bytes(6, Proto.bytes(1, keyValue("a", []))))
        let second = Proto.bytes(5, Proto.bytes(6, Proto.bytes(1, keyValue("b", []))))
        #expect(read(first + second).lines.last == "log {a:none,b:none} ")
        #expect(
            read(first + Proto.bytes(5, Proto.number(3, 1)) + second).lines.last == "log {b:none} ")
    }

    @Test func `takes records without ids and cuts those with broken ones`() {
        let outcome = read(
            [], Proto.bytes(9, traceID) + Proto.bytes(10, spanID), Proto.bytes(9, [1]),
            Proto.bytes(10, [UInt8](repeating: 0, count: 8)))
        #expect(outcome.items == 2 && outcome.rejections.count == 2)
    }

    @Test(arguments: [3, 12] as [UInt64])
    func `cuts records with broken text`(_ field: UInt64) {
        #expect(read(Proto.bytes(field, [0xFF]), []).rejections.count == 1)
    }

    @Test func `reads attributes whose tag takes more bytes than it needs`() {
        // Field 6, length-delimited, in two bytes.
        let attribute = Array(Proto.bytes(6, keyValue("k", Proto.number(3, 4))).dropFirst())
        let long = [0xB2, 0x00] + attribute
        let usual = [0x32] + attribute
        for record in [long, usual + long, long + usual, long + long] {
            #expect(read(record).items == 1)
        }
        #expect(read(long).lines.last == "log none k=4")
    }
}
