import Glibc
import RoostCore
import RoostWire

/// Transcodes what comes on standard input, for tests written in another language.
///
/// A frame is one byte and a 32-bit little-endian length, then that many bytes. In: 0 traces,
/// 1 metrics, 2 logs, with the JSON; 3 to 5 the same, 200 times over, answered with the CPU time of
/// one in nanoseconds. Out: 0 with protobuf, 1 with the text of the error, or 2 with what makes an
/// item malformed.
@main struct JSONDump {
    static let maxBytes = 256 << 20

    static func main() {
        while let (kind, body) = readFrame() {
            guard let signal = Signal(rawValue: Int(kind % 3)) else { exit(2) }
            do throws(JSONError) {
                if kind < 3 {
                    var flaw: JSONError?
                    let request = try transcode(body, signal, &flaw).array
                    if let flaw {
                        write(2, Array(flaw.description.utf8))
                    } else {
                        write(0, request)
                    }
                } else {
                    write(0, Array(String(try time(body, signal)).utf8))
                }
            } catch {
                write(1, Array(error.description.utf8))
            }
        }
    }

    private static func transcode(
        _ body: [UInt8], _ signal: Signal, _ flaw: inout JSONError?
    ) throws(JSONError) -> ByteBlock {
        let block = ByteBlock(body)
        return try unsafe block.withBytes { bytes throws(JSONError) in
            try unsafe transcodeJSON(bytes, signal: signal, maxBytes: maxBytes, flaw: &flaw)
        }
    }

    private static func time(_ body: [UInt8], _ signal: Signal) throws(JSONError) -> UInt64 {
        let rounds: UInt64 = 200
        let start = threadCPUNanoseconds()
        var flaw: JSONError?
        for _ in 0..<rounds { _ = try transcode(body, signal, &flaw) }
        return (threadCPUNanoseconds() - start) / rounds
    }

    private static func readFrame() -> (UInt8, [UInt8])? {
        guard let head = read(5) else { return nil }
        let length = head[1...4].reversed().reduce(0) { $0 << 8 | Int($1) }
        return read(length).map { (head[0], $0) }
    }

    private static func read(_ count: Int) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: count)
        var have = 0
        while have < count {
            let got = unsafe bytes.withUnsafeMutableBytes { buffer in
                unsafe Glibc.read(0, buffer.baseAddress.map { unsafe $0 + have }, count - have)
            }
            guard got > 0 else { return nil }
            have += got
        }
        return bytes
    }

    private static func write(_ status: UInt8, _ body: [UInt8]) {
        let length = UInt32(body.count)
        let bytes = [status] + (0..<4).map { UInt8(truncatingIfNeeded: length >> ($0 * 8)) } + body
        var done = 0
        while done < bytes.count {
            let put = unsafe bytes.withUnsafeBytes { buffer in
                unsafe Glibc.write(
                    1, buffer.baseAddress.map { unsafe $0 + done }, bytes.count - done)
            }
            guard put > 0 else { exit(1) }
            done += put
        }
    }
}
