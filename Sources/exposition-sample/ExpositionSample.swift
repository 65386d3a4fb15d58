import Glibc
import RoostMetrics

/// `exposition-sample FORMAT [sample | random SEED [quotes] | counters N | histograms N | rounds N R | otlp N]`
///
/// Prints a page with everything a writer has to get right, or one of N series; `rounds` prints
/// nothing but the CPU time of each of R pages of N counters, in milliseconds;
/// `otlp` shows the OTLP requests on standard input with at most N series a family.
@main struct ExpositionSample {
    static func main() {
        let arguments = CommandLine.arguments
        let formats: [String: ExpositionFormat] = [
            "text": .text, "openmetrics": .openMetrics, "protobuf": .protobuf,
        ]
        guard arguments.count > 1, let format = formats[arguments[1]] else {
            print("usage: exposition-sample text|openmetrics|protobuf [sample|counters N|…]")
            exit(2)
        }
        let kind = arguments.count > 2 ? arguments[2] : "sample"
        let size = arguments.count > 3 ? Int(arguments[3]) ?? 0 : 0
        switch kind {
        case "counters": show(format, [SeriesSource(size: size, kind: .counter)])
        case "histograms": show(format, [SeriesSource(size: size, kind: .histogram)])
        case "random":
            show(
                format, [RandomSource(seed: UInt64(clamping: size), hasQuotes: arguments.count > 4)]
            )
        case "otlp": show(format, [storeOfStandardInput(seriesPerMetric: max(size, 1))])
        case "rounds":
            measure(format, size: size, rounds: arguments.count > 4 ? Int(arguments[4]) ?? 5 : 5)
        default: show(format, [AwkwardSource()])
        }
    }

    private static func show(_ format: ExpositionFormat, _ sources: [any ExpositionSource]) {
        let page = ExpositionPage(format: format, sources: sources)
        var slice: [UInt8] = []
        var hasMore = true
        while hasMore {
            slice.removeAll(keepingCapacity: true)
            hasMore = page.next(into: &slice)
            writeAll(slice)
        }
    }

    private static func writeAll(_ bytes: [UInt8]) {
        var done = 0
        while done < bytes.count {
            let rest = bytes.span.extracting(done...)
            let written = unsafe rest.withUnsafeBufferPointer { buffer in
                unsafe write(1, buffer.baseAddress, buffer.count)
            }
            guard written > 0 else { exit(1) }
            done += written
        }
    }

    private static func measure(_ format: ExpositionFormat, size: Int, rounds: Int) {
        let source = SeriesSource(size: size, kind: .counter)
        var slice: [UInt8] = []
        slice.reserveCapacity(ExpositionPage.sliceBytes)
        for _ in 0..<rounds {
            let start = cpuMilliseconds()
            let page = ExpositionPage(format: format, sources: [source])
            var bytes = 0
            var hasMore = true
            while hasMore {
                slice.removeAll(keepingCapacity: true)
                hasMore = page.next(into: &slice)
                bytes += slice.count
            }
            print("\(cpuMilliseconds() - start) ms for \(bytes) bytes")
        }
    }

    private static func cpuMilliseconds() -> Double {
        var time = timespec()
        unsafe clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) * 1e3 + Double(time.tv_nsec) / 1e6
    }
}
