import Testing

@testable import RoostWire

@Suite struct MessageWriterTests {
    @Test func `writes the examples of the encoding guide`() {
        var writer = MessageWriter()
        writer.varint(1, 150)
        writer.string(2, "testing")
        writer.packedVarint(6, [3, 270, 86_942])
        #expect(
            writer.bytes == [
                0x08, 0x96, 0x01, 0x12, 0x07, 0x74, 0x65, 0x73, 0x74, 0x69, 0x6E, 0x67, 0x32, 0x06,
                0x03, 0x8E, 0x02, 0x9E, 0xA7, 0x05,
            ])
    }

    @Test func `gives a message the length of its fields, also a long one`() {
        for count in [0, 1, 125, 126, 127, 128, 20_000] {
            var inner = MessageWriter()
            inner.bytes(1, repeatElement(7, count: count))
            var outer = MessageWriter()
            outer.message(3) { $0.bytes(1, repeatElement(7, count: count)) }
            outer.varint(4, 1)
            var expected = MessageWriter()
            expected.bytes(3, inner.bytes)
            expected.varint(4, 1)
            #expect(outer.bytes == expected.bytes)
        }
    }

    @Test func `writes numbers of fixed size from their low end and ids from their high one`() {
        var writer = MessageWriter()
        writer.fixed32(1, 0x0102)
        writer.fixed64(2, 1)
        writer.zigzag(3, -1)
        writer.bigEndian(4, 0x0102_0304_0506_0708)
        #expect(
            writer.bytes == [
                0x0D, 2, 1, 0, 0, 0x11, 1, 0, 0, 0, 0, 0, 0, 0, 0x18, 1, 0x22, 8, 1, 2, 3, 4, 5, 6,
                7, 8,
            ])
    }
}
