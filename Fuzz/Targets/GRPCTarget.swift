import CZlib
import RoostCompression
import RoostCore

@testable import RoostNet

/// A gRPC call over HTTP/2 whose DATA frames carry the input, plain or compressed, and the bodies
/// of OTLP/HTTP, which are inflated the same way.
///
/// The first byte says the coding, whether the call is cut into frames, and whether the input is to
/// be compressed (so that whole messages are found soon) or is taken as compressed.
final class GRPCTarget: FuzzTarget {
    private static let codings: [ContentCoding] = [.identity, .gzip, .zstd]
    private let budget = MemoryBudget(limitBytes: 64 << 20)

    func take(_ input: UnsafeRawBufferPointer) {
        var reader = unsafe InputReader(input)
        let choice = Int(reader.byte())
        let coding = GRPCTarget.codings[choice % 3]
        let isMessage = choice & 0x40 != 0
        let payload = reader.rest()
        checkInflating(payload, coding)
        var bytes = payload
        if isMessage {
            let packed = RoostCompression.compress([ByteBlock(payload).slice], coding).array
            checkRound(payload, packed, coding)
            bytes = prefixed(packed, isCompressed: coding != .identity)
        }
        let choices = unsafe Choices(input)
        var nobody: Choices?
        let whole = call(bytes, coding, cutting: &nobody)
        var cutter: Choices? = choices
        let parts = call(bytes, coding, cutting: &cutter)
        promise(GRPCTarget.told(whole) == GRPCTarget.told(parts), difference(whole, parts))
        if isMessage, payload.count <= NetBench.maxRequestBytes {
            promise(whole.last == "body \(payload)", "the message is lost: \(whole.last ?? "")")
        }
    }

    /// Whatever is inflated is below the limit, and what zlib makes of it.
    private func checkInflating(_ bytes: [UInt8], _ coding: ContentCoding) {
        let share = budget.share("inflating")
        let limit = 1 << 20
        do throws(InflateError) {
            let block = try unsafe ByteBlock(bytes).withBytes { buffer throws(InflateError) in
                unsafe try inflate(buffer, coding, limit: limit, share: share)
            }
            promise(block.count <= limit, "more than the limit")
            if coding == .gzip, let reference = zlibInflated(bytes) {
                promise(reference == block.array, "zlib reads it otherwise")
            }
        } catch {
            promise(coding != .identity || bytes.count > limit, "plain bytes were refused")
        }
        promise(budget.usedBytes == 0, "bytes are still reserved")
    }

    private func checkRound(_ plain: [UInt8], _ packed: [UInt8], _ coding: ContentCoding) {
        let share = budget.share("inflating")
        let block = try? unsafe ByteBlock(packed).withBytes { buffer throws(InflateError) in
            unsafe try inflate(buffer, coding, limit: plain.count, share: share)
        }
        promise(block?.array == plain, "what was compressed does not inflate to the same")
    }

    private func prefixed(_ message: [UInt8], isCompressed: Bool) -> [UInt8] {
        let length = stride(from: 24, through: 0, by: -8).map {
            UInt8(truncatingIfNeeded: message.count >> $0)
        }
        return [isCompressed ? 1 : 0] + length + message
    }

    /// What the handler saw.
    private func call(
        _ bytes: [UInt8], _ coding: ContentCoding, cutting choices: inout Choices?
    ) -> [String] {
        let bench = NetBench()
        defer { bench.close() }
        guard let context = bench.context,
            let http2 = HTTP2Session(context: context, peer: Peer(text: "fuzz"), host: bench)
        else { return [] }
        let session = NetSession(http2)
        var frames = http2Preface + HTTP2Target.frame(4, 0, stream: 0, [])
        frames += HTTP2Target.frame(1, 4, stream: 1, GRPCTarget.head(coding))
        for piece in GRPCTarget.pieces(bytes, &choices) {
            for start in stride(from: 0, to: piece.count, by: 16_384) {
                let part = piece[start..<min(piece.count, start + 16_384)]
                frames += HTTP2Target.frame(0, 0, stream: 1, Array(part))
            }
        }
        frames += HTTP2Target.frame(0, 1, stream: 1, [])
        for piece in GRPCTarget.pieces(frames, &choices) {
            unsafe piece.withUnsafeBytes { unsafe session.receive($0) }
        }
        session.drain()
        let seen = bench.seen
        session.end()
        return seen
    }

    /// Of several faults the one that is met first is told, which depends on the pieces.
    private static func told(_ seen: [String]) -> [String] {
        seen.map { $0.hasPrefix("fault") ? "fault" : $0 }
    }

    /// As chance cuts them, or in one.
    private static func pieces(_ bytes: [UInt8], _ choices: inout Choices?) -> [[UInt8]] {
        guard var cutter = choices else { return [bytes] }
        var pieces: [[UInt8]] = []
        unsafe bytes.withUnsafeBytes { all in
            unsafe cutter.cut(all) { unsafe pieces.append(Array($0)) }
        }
        choices = cutter
        return pieces
    }

    /// Literals without indexing, RFC 7541 §6.2.2.
    private static func head(_ coding: ContentCoding) -> [UInt8] {
        let fields = [
            (":method", "POST"), (":scheme", "http"), (":path", "/s/M"), (":authority", "x"),
            ("te", "trailers"), ("content-type", "application/grpc"),
            ("grpc-encoding", coding.rawValue),
        ]
        var bytes: [UInt8] = []
        for (name, value) in fields {
            bytes += [0, UInt8(name.utf8.count)]
            bytes += name.utf8
            bytes.append(UInt8(value.utf8.count))
            bytes += value.utf8
        }
        return bytes
    }
}

/// What zlib makes of a single gzip member that ends with the bytes; nil when it is none.
private func zlibInflated(_ bytes: [UInt8]) -> [UInt8]? {
    var stream = unsafe z_stream()
    let size = unsafe Int32(MemoryLayout<z_stream>.size)
    guard unsafe inflateInit2_(&stream, 31, ZLIB_VERSION, size) == Z_OK else { return nil }
    defer { unsafe inflateEnd(&stream) }
    var output = [UInt8](repeating: 0, count: 2 << 20)
    var bytes = bytes
    let room = output.count
    let code = unsafe bytes.withUnsafeMutableBufferPointer { input in
        unsafe output.withUnsafeMutableBufferPointer { target in
            unsafe stream.next_in = input.baseAddress
            unsafe stream.avail_in = UInt32(input.count)
            unsafe stream.next_out = target.baseAddress
            unsafe stream.avail_out = UInt32(room)
            return unsafe zlib_inflate(&stream)
        }
    }
    guard code == Z_STREAM_END, unsafe stream.avail_in == 0 else { return nil }
    return Array(output.prefix(room - Int(unsafe stream.avail_out)))
}

private func zlib_inflate(_ stream: UnsafeMutablePointer<z_stream>) -> CInt {
    unsafe CZlib.inflate(stream, Z_FINISH)
}
