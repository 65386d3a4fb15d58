import RoostCore

@testable import RoostNet

/// Frames of an HTTP/2 connection, in any order.
///
/// After the client's preface an input is bytes as they are, or, when its first byte is odd, a list
/// of frames whose heads are put right: type, flags, stream, length (two bytes), payload.
final class HTTP2Target: FuzzTarget {
    private static let mostPayload = 20 << 10

    func take(_ input: UnsafeRawBufferPointer) {
        let bytes = unsafe HTTP2Target.frames(input)
        var choices = unsafe Choices(input)
        unsafe bytes.withUnsafeBytes { all in
            let whole = run { unsafe $0.receive(all) }
            let parts = run { session in
                unsafe choices.cut(all) { unsafe session.receive($0) }
            }
            if unsafe !HTTP2Target.mayBeTooManyContinuations(all) {
                promise(whole.seen == parts.seen, difference(whole.seen, parts.seen))
                promise(whole.mustClose == parts.mustClose, "closed in one case only")
            }
            unsafe runInTime(all, &choices)
        }
    }

    /// nghttp2 limits their number by counting how often a part of one's head is read.
    private static func mayBeTooManyContinuations(_ bytes: UnsafeRawBufferPointer) -> Bool {
        unsafe bytes.count { $0 == 9 } > 4
    }

    static func frames(_ input: UnsafeRawBufferPointer) -> [UInt8] {
        var reader = unsafe InputReader(input)
        guard reader.byte() % 2 == 1 else { return http2Preface + reader.rest() }
        var bytes = http2Preface
        while !reader.isAtEnd {
            let (type, flags, stream) = (reader.byte(), reader.byte(), reader.byte())
            let payload = reader.some(min(reader.number(), mostPayload))
            bytes += frame(type, flags, stream: Int(stream), payload)
        }
        return bytes
    }

    /// RFC 9113 §4.1.
    static func frame(_ type: UInt8, _ flags: UInt8, stream: Int, _ payload: [UInt8]) -> [UInt8] {
        let count = payload.count
        return [
            UInt8(truncatingIfNeeded: count >> 16), UInt8(truncatingIfNeeded: count >> 8),
            UInt8(truncatingIfNeeded: count), type, flags, 0, 0, 0,
            UInt8(truncatingIfNeeded: stream),
        ] + payload
    }

    private func run(_ feed: (NetSession) -> Void) -> (seen: [String], mustClose: Bool) {
        let bench = NetBench()
        defer { bench.close() }
        guard let context = bench.context,
            let http2 = HTTP2Session(context: context, peer: Peer(text: "fuzz"), host: bench)
        else { return ([], false) }
        let session = NetSession(http2)
        feed(session)
        let mustClose = http2.mustClose
        let seen = bench.seen
        session.drain()
        session.end()
        return (seen, mustClose)
    }

    private func runInTime(_ bytes: UnsafeRawBufferPointer, _ choices: inout Choices) {
        let bench = NetBench()
        defer { bench.close() }
        guard let context = bench.context,
            let http2 = HTTP2Session(context: context, peer: Peer(text: "fuzz"), host: bench)
        else { return }
        let session = NetSession(http2)
        var other = choices
        unsafe choices.cut(bytes) { piece in
            unsafe session.receive(piece)
            stir(session, bench, &other)
        }
        session.end()
    }
}
