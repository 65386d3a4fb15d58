import Glibc
import RoostCore
import RoostQueue
import Synchronization

/// Measures the durable queue on the disk that the working folder lies on: commits and their
/// latency, the CPU that a GiB costs written and read, and how long opening a full queue takes.
///
/// Run with `swift run -c release bench-queue [FOLDER]`; the folder is left behind.
@main
struct BenchQueue {
    static func main() throws {
        let folder = CommandLine.arguments.dropFirst().first ?? "./bench-queue-\(getpid())"
        // As many requests a second as 300,000 spans are, and as fast as it goes.
        try load(folder + "/paced", perSecond: 960, hot: true, sync: .always)
        try load(
            folder + "/gathered", perSecond: 960, hot: true, sync: .always,
            gather: .milliseconds(5))
        for sync in [QueueSync.always, .interval(.milliseconds(100)), .never] {
            try load(folder + "/\(name(sync))", perSecond: nil, hot: true, sync: sync)
        }
        try load(folder + "/cold", perSecond: nil, hot: false, sync: .always)
        try small(folder + "/small")
        for bytes in [200_000, 2_000] { try open(folder + "/open-\(bytes)", bytes: bytes) }
    }

    private static func name(_ sync: QueueSync) -> String {
        switch sync {
        case .always: "always"
        case .interval: "interval"
        case .never: "never"
        }
    }

    private static func payload(_ bytes: Int) -> ByteBlock {
        ByteBlock((0..<bytes).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 7) })
    }

    /// Eight threads, each with one request under way, and one reader that releases at once.
    private static func load(
        _ folder: String, perSecond: Int?, hot: Bool, sync: QueueSync,
        gather: Duration = .zero
    ) throws {
        var settings = SegmentLogSettings(path: folder, limitBytes: 1 << 30, cursors: ["a"])
        settings.sync = sync
        settings.gather = gather
        if !hot { settings.hotBytes = 0 }
        let wake = WakeUp()
        let log = try SegmentLog.open(settings) { wake.signal() }
        let (threads, each, bytes) = (8, perSecond.map { $0 * 5 / 8 } ?? 1400, 200_000)
        let block = payload(bytes)
        let times = Mutex<[UInt64]>([])
        let refused = Atomic<Int>(0)
        let cpu = processCPUNanoseconds()
        let start = monotonicNanoseconds()
        let appenders = (0..<threads).compactMap { thread in
            NamedThread("appender") {
                let answer = Semaphore()
                var own: [UInt64] = []
                for index in 0..<each {
                    if let perSecond {
                        let gap = 1_000_000_000 * UInt64(threads) / UInt64(perSecond)
                        let due = start + gap * UInt64(index) + gap * UInt64(thread) / 8
                        var time = timespec(
                            tv_sec: Int(due / 1_000_000_000), tv_nsec: Int(due % 1_000_000_000))
                        unsafe _ = clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, nil)
                    }
                    let before = monotonicNanoseconds()
                    let record = QueueRecord(signal: 0, items: 319, slices: [block.slice])
                    let refusal = log.append(record) { result in
                        if case .failure = result { refused.wrappingAdd(1, ordering: .relaxed) }
                        answer.signal()
                    }
                    if refusal != nil {
                        refused.wrappingAdd(1, ordering: .relaxed)
                        continue
                    }
                    answer.wait()
                    own.append(monotonicNanoseconds() - before)
                }
                times.withLock { $0 += own }
            }
        }
        let isDone = Atomic<Bool>(false)
        let read = Atomic<Int>(0)
        let reader = NamedThread("reader") {
            guard let cursor = log.cursor("a") else { return }
            while !isDone.load(ordering: .relaxed) {
                guard let batch = try? log.next(cursor, maxBytes: 4 << 20), !batch.isEmpty else {
                    wake.wait(untilMonotonic: monotonicNanoseconds() + 20_000_000)
                    continue
                }
                read.wrappingAdd(batch.records.count, ordering: .relaxed)
                log.release(cursor, batch.records.map(\.sequence))
            }
        }
        for appender in appenders { appender.join() }
        let seconds = Double(monotonicNanoseconds() - start) / 1e9
        while read.load(ordering: .relaxed) + refused.load(ordering: .relaxed) < threads * each {
            sched_yield()
        }
        isDone.store(true, ordering: .relaxed)
        wake.signal()
        reader?.join()
        let used = Double(processCPUNanoseconds() - cpu) / 1e9
        let statistics = log.statistics()
        log.close()
        let gib = Double(threads * each * bytes) / Double(1 << 30)
        let sorted = times.withLock { $0 }
        report(
            "\(perSecond.map { "\($0) requests/s" } ?? "as fast as it goes"), \(name(sync)), "
                + (gather == .zero ? "" : "gathered for \(gather), ")
                + "\(hot ? "read from memory" : "read from disk")", sorted)
        print(
            "    \(rounded(gib * 1024 / seconds)) MiB/s, \(Int(Double(statistics.commits) / seconds))"
                + " commits/s, \(rounded(used / gib)) CPU-s per GiB written and read, "
                + "\(refused.load(ordering: .relaxed)) refused")
    }

    /// One thread, small records, one after the other.
    private static func small(_ folder: String) throws {
        let log = try SegmentLog.open(
            SegmentLogSettings(path: folder, limitBytes: 1 << 30, cursors: ["a"]))
        let record = QueueRecord(signal: 0, items: 1, slices: [payload(600).slice])
        let answer = Semaphore()
        var times: [UInt64] = []
        for _ in 0..<2000 {
            let before = monotonicNanoseconds()
            guard log.append(record, then: { _ in answer.signal() }) == nil else { continue }
            answer.wait()
            times.append(monotonicNanoseconds() - before)
        }
        log.close()
        report("one after the other, 600 bytes", times)
    }

    private static func open(_ folder: String, bytes: Int) throws {
        var settings = SegmentLogSettings(path: folder, limitBytes: 1200 << 20, cursors: ["a"])
        settings.sync = .never
        settings.hotBytes = 0
        let log = try SegmentLog.open(settings)
        let record = QueueRecord(signal: 0, items: 3, slices: [payload(bytes).slice])
        let count = (1 << 30) / bytes
        let done = Latch(count)
        for _ in 0..<count {
            while log.append(record, then: { _ in done.countDown() }) != nil { usleep(200) }
        }
        done.wait(untilMonotonic: .max)
        log.close()
        sync()
        for turn in ["cold", "warm"] {
            if turn == "cold" {
                let file = unsafe Glibc.open("/proc/sys/vm/drop_caches", O_WRONLY)
                if file >= 0 {
                    unsafe _ = write(file, "1", 1)
                    Glibc.close(file)
                } else {
                    print("not root: the page cache stays")
                }
            }
            let cpu = processCPUNanoseconds()
            let again = try SegmentLog.open(settings)
            let seconds = Double(again.recovery.nanoseconds) / 1e9
            let used = Double(processCPUNanoseconds() - cpu) / 1e9
            print(
                "open 1 GiB of records of \(bytes) bytes, \(turn): \(rounded(seconds)) s, "
                    + "\(rounded(used)) CPU-s, \(again.recovery.found.records) records")
            if turn == "warm" { try readBack(again) }
            again.close()
        }
    }

    private static func readBack(_ log: SegmentLog) throws {
        guard let cursor = log.cursor("a") else { return }
        let (cpu, start) = (threadCPUNanoseconds(), monotonicNanoseconds())
        var bytes = 0
        while true {
            let batch = try log.next(cursor, maxBytes: 4 << 20)
            if batch.isEmpty { break }
            bytes += batch.records.reduce(0) { $0 + $1.bytes }
            log.release(cursor, batch.records.map(\.sequence))
        }
        let seconds = Double(monotonicNanoseconds() - start) / 1e9
        let used = Double(threadCPUNanoseconds() - cpu) / 1e9
        let gib = Double(bytes) / Double(1 << 30)
        print(
            "    read back: \(rounded(gib / seconds)) GiB/s, \(rounded(used / gib)) CPU-s per GiB")
    }

    private static func report(_ what: String, _ unsorted: [UInt64]) {
        let times = unsorted.sorted()
        guard !times.isEmpty else { return }
        let at = { (part: Double) in
            rounded(Double(times[min(times.count - 1, Int(Double(times.count) * part))]) / 1e6)
        }
        print("\(what): p50 \(at(0.5)) ms, p99 \(at(0.99)) ms, worst \(at(1)) ms")
    }

    private static func rounded(_ value: Double) -> Double { (value * 1000).rounded() / 1000 }
}
