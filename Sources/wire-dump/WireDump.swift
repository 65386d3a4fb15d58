import Glibc
import RoostCore
import RoostWire

/// Shows what the reader makes of requests, for tests that compare it with another protobuf.
///
/// Standard input holds, one after the other: an operation byte (`d` dump, `r` re-frame, `s` split),
/// a signal byte (0 traces, 1 metrics, 2 logs), the length of the request and, for `s`, the largest
/// piece, both as four bytes with the least significant first, and the request. Each gives one line
/// of JSON.
@main
struct WireDump {
    static func main() {
        var input = readAll()[...]
        let memo = MemoOfKeys()
        while let head = take(10, of: &input) {
            let head = Array(head)
            let operation = head[0]
            guard let signal = Signal(rawValue: Int(head[1])) else { return }
            guard let slice = take(number(head[2..<6]), of: &input) else { return }
            let body = Array(slice)
            var line = JSONText()
            switch operation {
            case UInt8(ascii: "d"):
                dump(body, signal, nil, &line)
                var again = JSONText()
                dump(body, signal, memo, &again)
                if line.bytes != again.bytes {
                    line.raw(" but with a memo of keys ")
                    line.bytes += again.bytes
                }
            case UInt8(ascii: "r"): cut(body, signal, &line)
            default: pieces(body, signal, number(head[6..<10]), &line)
            }
            line.raw("\n")
            writeAll(line.bytes)
        }
    }

    private static func number(_ bytes: ArraySlice<UInt8>) -> Int {
        bytes.reversed().reduce(0) { $0 << 8 | Int($1) }
    }

    private static func take(_ count: Int, of input: inout ArraySlice<UInt8>) -> ArraySlice<UInt8>?
    {
        guard input.count >= count else { return nil }
        defer { input = input.dropFirst(count) }
        return input.prefix(count)
    }

    private static func readAll() -> [UInt8] {
        var all: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let got = unsafe chunk.withUnsafeMutableBytes {
                unsafe read(0, $0.baseAddress, $0.count)
            }
            guard got > 0 else { return all }
            all += chunk[..<got]
        }
    }

    private static func writeAll(_ bytes: [UInt8]) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let put = unsafe rest.withUnsafeBytes { unsafe write(1, $0.baseAddress, $0.count) }
            guard put > 0 else { return }
            rest = rest.dropFirst(put)
        }
    }

    /// `{"ok":true,"items":…,"rejected":…,"count":…,"content":…}`, or what was wrong.
    private static func dump(
        _ body: [UInt8], _ signal: Signal, _ memo: MemoOfKeys?, _ line: inout JSONText
    ) {
        var rejections = Rejections()
        var visitor = DumpingVisitor(memo: memo)
        do throws(WireError) {
            let items = try parse(body, signal, &visitor, &rejections, memo)
            let counted = unsafe body.withUnsafeBytes { unsafe countItems($0, signal: signal) }
            line.raw("{\"ok\":true,\"items\":\(items),\"rejected\":\(rejections.count)")
            line.raw(",\"cuts\":\(rejections.ranges.count),\"counted\":\(counted),\"reason\":")
            line.quoted(rejections.firstReason ?? "")
            line.raw(",\"content\":")
            line.bytes += visitor.finish()
            line.raw("}")
        } catch {
            line.raw("{\"ok\":false,\"reason\":\"\(error.reason)\",\"offset\":\(error.offset)")
            line.raw(",\"field\":\"\(error.field)\"}")
        }
    }

    private static func cut(_ body: [UInt8], _ signal: Signal, _ line: inout JSONText) {
        var rejections = Rejections()
        var visitor = NoVisitor()
        do throws(WireError) {
            _ = try parse(body, signal, &visitor, &rejections)
            line.raw("{\"bytes\":\"")
            line.hex(reframe(ByteBlock(body), without: rejections).array)
            line.raw("\"}")
        } catch {
            line.raw("{}")
        }
    }

    private static func pieces(
        _ body: [UInt8], _ signal: Signal, _ maxBytes: Int, _ line: inout JSONText
    ) {
        let pieces = unsafe body.withUnsafeBytes {
            unsafe split($0, signal: signal, maxBytes: maxBytes)
        }
        line.raw("[")
        for (index, piece) in pieces.enumerated() {
            line.raw(index == 0 ? "[\(piece.items),\"" : ",[\(piece.items),\"")
            line.hex(piece.bytes.array)
            line.raw("\"]")
        }
        line.raw("]")
    }

    private static func parse<Visitor: TraceVisitor & MetricsVisitor & LogsVisitor>(
        _ body: [UInt8], _ signal: Signal, _ visitor: inout Visitor, _ rejections: inout Rejections,
        _ memo: MemoOfKeys? = nil
    ) throws(WireError) -> Int {
        unsafe try ByteBlock(body).withBytes { bytes throws(WireError) in
            unsafe memo?.request = bytes
            switch signal {
            case .traces:
                return unsafe try readTraces(bytes, visitor: &visitor, rejections: &rejections)
            case .metrics:
                return unsafe try readMetrics(bytes, visitor: &visitor, rejections: &rejections)
            case .logs:
                return unsafe try readLogs(bytes, visitor: &visitor, rejections: &rejections)
            }
        }
    }
}
