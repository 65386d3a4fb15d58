import Glibc
import RoostAnalytics
import RoostCore

/// Writes a trace in another format, for tests written in another language.
///
/// `trace-dump FORMAT TRACE_ID` reads `TracesData` bytes from standard input and writes the document
/// of that trace.
@main struct TraceDump {
    static func main() {
        let arguments = CommandLine.arguments
        guard arguments.count == 3, let format = TraceExportFormat(rawValue: arguments[1]),
            arguments[2].utf8.count == 32, let high = UInt64(arguments[2].prefix(16), radix: 16),
            let low = UInt64(arguments[2].suffix(16), radix: 16)
        else { exit(2) }
        var writer = JSONWriter()
        TraceExport.write(
            format, chunks: [ByteBlock(readAll())], traceIDHigh: high, traceIDLow: low,
            into: &writer)
        let bytes = writer.bytes
        var written = 0
        while written < bytes.count {
            let count = unsafe bytes.withUnsafeBytes {
                unsafe write(1, $0.baseAddress.map { unsafe $0 + written }, bytes.count - written)
            }
            guard count > 0 else { exit(1) }
            written += count
        }
    }

    private static func readAll() -> [UInt8] {
        var all: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = unsafe part.withUnsafeMutableBytes {
                unsafe read(0, $0.baseAddress, $0.count)
            }
            guard count > 0 else { return all }
            all += part[..<count]
        }
    }
}
