import Testing

@testable import RoostWire

@Suite struct WireCursorTests {
    private func with<T>(_ bytes: [UInt8], _ body: (inout WireCursor) -> T) -> T {
        unsafe bytes.withUnsafeBytes { buffer in
            var cursor = unsafe WireCursor(buffer)
            return body(&cursor)
        }
    }

    private func fault(_ bytes: [UInt8], _ read: (inout WireCursor) throws(WireFault) -> Void)
        -> WireError.Reason?
    {
        with(bytes) { cursor in
            do throws(WireFault) {
                try read(&cursor)
                return nil
            } catch {
                return error.reason
            }
        }
    }

    @Test(
        arguments: [
            ([0x00], 0), ([0x7F], 127), ([0x80, 0x01], 128), ([0xAC, 0x02], 300),
            ([0x81, 0x80, 0x80, 0x00], 1),
            ([0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01], UInt64.max),
            // The tenth byte holds one bit; the others fall off.
            ([0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F], UInt64.max),
        ] as [([UInt8], UInt64)])
    func `reads varints`(_ bytes: [UInt8], _ value: UInt64) {
        with(bytes + [0x55]) { cursor in
            #expect((try? cursor.varint()) == value)
            #expect(cursor.position == bytes.count)
        }
    }

    @Test func `refuses varints that end early or never`() {
        #expect(fault([]) { c throws(WireFault) in _ = try c.varint() } == .truncated)
        #expect(fault([0x80, 0x80]) { c throws(WireFault) in _ = try c.varint() } == .truncated)
        let eleven = [UInt8](repeating: 0x80, count: 10) + [0]
        #expect(fault(eleven) { c throws(WireFault) in _ = try c.varint() } == .varintTooLong)
    }

    @Test func `takes lengths of five bytes at most, inside the message`() {
        with([0x83, 0x80, 0x80, 0x80, 0x00, 1, 2, 3]) { cursor in
            #expect((try? cursor.payload())?.array == [1, 2, 3])
        }
        let sixBytes: [UInt8] = [0x81, 0x80, 0x80, 0x80, 0x80, 0x00, 1]
        #expect(fault(sixBytes) { c throws(WireFault) in _ = try c.payload() } == .varintTooLong)
        #expect(
            fault([0x03, 1, 2]) { c throws(WireFault) in _ = try c.payload() } == .lengthOutOfBounds
        )
        let huge: [UInt8] = [0xFF, 0xFF, 0xFF, 0xFF, 0x0F]
        #expect(fault(huge) { c throws(WireFault) in _ = try c.payload() } == .lengthOutOfBounds)
        #expect(fault([]) { c throws(WireFault) in _ = try c.payload() } == .truncated)
    }

    @Test func `takes tags of five bytes and 32 bits at most`() {
        with([0x8A, 0x80, 0x80, 0x80, 0x00]) { cursor in
            #expect((try? cursor.tag()) == 0x0A)
        }
        let sixBytes: [UInt8] = [0x8A, 0x80, 0x80, 0x80, 0x80, 0x00]
        #expect(fault(sixBytes) { c throws(WireFault) in _ = try c.tag() } == .varintTooLong)
        let above: [UInt8] = [0xFA, 0xFF, 0xFF, 0xFF, 0x1F]
        #expect(fault(above) { c throws(WireFault) in _ = try c.tag() } == .invalidTag)
    }

    @Test func `never reads past the end`() {
        for count in 0..<8 {
            let bytes = [UInt8](repeating: 1, count: count)
            #expect(fault(bytes) { c throws(WireFault) in _ = try c.fixed64() } == .truncated)
            if count < 4 {
                #expect(fault(bytes) { c throws(WireFault) in _ = try c.fixed32() } == .truncated)
            }
        }
    }

    @Test(
        arguments: [(0, 0), (1, -1), (2, 1), (0xFFFF_FFFF, Int32.min), (0x1_0000_0003, -2)]
            as [(UInt64, Int32)])
    func `reads zigzag from the low 32 bits`(_ raw: UInt64, _ value: Int32) {
        with(Proto.varint(raw)) { cursor in #expect((try? cursor.sint32()) == value) }
    }

    @Test(
        arguments: [
            (0x00, WireError.Reason.invalidTag), (0x02, .invalidTag), (0x0B, .unsupportedWireType),
            (0x0C, .unsupportedWireType), (0x0E, .invalidTag), (0x0F, .invalidTag),
        ] as [(UInt32, WireError.Reason)])
    func `refuses field 0, groups and unknown wire types`(
        _ tag: UInt32, _ reason: WireError.Reason
    ) {
        #expect(
            fault([0, 0, 0, 0, 0, 0, 0, 0]) { c throws(WireFault) in try c.skip(tag) } == reason)
    }
}
