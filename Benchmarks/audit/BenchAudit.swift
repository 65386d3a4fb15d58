import Glibc
import RoostAudit
import RoostCore
import Synchronization

/// Measures the audit trail on the disk that the working folder lies on: how long one append takes,
/// how many go in groups, how fast it is asked and verified.
///
/// Run with `swift run -c release bench-audit [FOLDER]`; the folder is left behind.
@main
struct BenchAudit {
    static func main() throws {
        let folder = CommandLine.arguments.dropFirst().first ?? "./bench-audit-\(getpid())"
        let trail = try AuditTrail.open(AuditSettings(path: folder))
        disk(folder, 5_000)
        one(trail, 5_000)
        many(trail, threads: 4, records: 200_000, atOnce: 256)
        paced(trail, each: 40, everyMilliseconds: 2, times: 500)
        try ask(trail)
        trail.close(deadline: .max)
        let start = monotonicNanoseconds()
        let result = verifyAudit(folder: folder)
        let seconds = Double(monotonicNanoseconds() - start) / 1e9
        print(
            "verify: \(result.isIntact ? "intact" : "broken"), \(result.records) records, "
                + "\(result.bytes >> 20) MiB in \(rounded(seconds)) s")
    }

    private static let record = AuditRecord(
        action: "tool.permission", result: "success", source: .agent, agent: "claude-code",
        user: "0af7651916cd43dd", session: "5d3c7b2e-90c4-4f0e-8f8f-1f2a3b4c5d6e",
        traceID: "0af7651916cd43dd8448eb211c80319c",
        details: .object([
            ("tool", .string("Bash")), ("decision", .string("accept")),
            ("source", .string("user_temporary")),
            ("call_id", .string("toolu_01A09q90qw90lq917835")),
        ]))

    /// What no trail can be faster than: a write of 400 bytes and fdatasync(2), nothing else.
    private static func disk(_ folder: String, _ count: Int) {
        let file = unsafe open(folder + "/disk", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        let bytes = [UInt8](repeating: 0x78, count: 400)
        var times: [UInt64] = []
        for index in 0..<count {
            let start = monotonicNanoseconds()
            _ = unsafe bytes.withUnsafeBytes {
                unsafe pwrite(file, $0.baseAddress, 400, index * 400)
            }
            fdatasync(file)
            times.append(monotonicNanoseconds() - start)
        }
        close(file)
        unsafe unlink(folder + "/disk")
        report("the disk alone", &times)
    }

    /// One append after the other.
    private static func one(_ trail: AuditTrail, _ count: Int) {
        var times: [UInt64] = []
        for _ in 0..<count {
            let done = Latch(1)
            let start = monotonicNanoseconds()
            trail.append(record) { _ in done.countDown() }
            done.wait(untilMonotonic: .max)
            times.append(monotonicNanoseconds() - start)
        }
        report("one after the other", &times)
    }

    /// So many at once from several threads.
    private static func many(_ trail: AuditTrail, threads: Int, records: Int, atOnce: Int) {
        let times = Mutex<[UInt64]>([])
        let start = monotonicNanoseconds()
        let cpu = processCPUNanoseconds()
        let workers = (0..<threads).compactMap { _ in
            NamedThread("append") {
                for _ in 0..<records / threads / atOnce { burst(trail, atOnce, times) }
            }
        }
        for worker in workers { worker.join() }
        let seconds = Double(monotonicNanoseconds() - start) / 1e9
        var all = times.withLock { $0 }
        print(
            "\(all.count) records from \(threads) threads: "
                + "\(Int(Double(all.count) / seconds)) a second, "
                + "\((processCPUNanoseconds() - cpu) / UInt64(all.count)) ns of CPU each")
        report("  each", &all)
    }

    /// A steady load: `each` records at once, again and again.
    private static func paced(
        _ trail: AuditTrail, each: Int, everyMilliseconds pause: UInt64, times count: Int
    ) {
        let times = Mutex<[UInt64]>([])
        let wake = WakeUp()
        for _ in 0..<count {
            let next = monotonicNanoseconds() + pause * 1_000_000
            burst(trail, each, times)
            while monotonicNanoseconds() < next { wake.wait(untilMonotonic: next) }
        }
        var all = times.withLock { $0 }
        report("\(each) every \(pause) ms", &all)
    }

    private static func burst(_ trail: AuditTrail, _ count: Int, _ times: borrowing Mutex<[UInt64]>)
    {
        let took = Mutex<[UInt64]>([])
        let done = Latch(count)
        for _ in 0..<count {
            let start = monotonicNanoseconds()
            trail.append(record) { _ in
                took.withLock { $0.append(monotonicNanoseconds() - start) }
                done.countDown()
            }
        }
        done.wait(untilMonotonic: .max)
        let new = took.withLock { $0 }
        times.withLock { $0 += new }
    }

    private static func ask(_ trail: AuditTrail) throws {
        var times: [UInt64] = []
        var query = AuditQuery()
        query.agent = "claude-code"
        query.result = "success"
        for _ in 0..<300 {
            let start = monotonicNanoseconds()
            _ = try trail.query(query)
            times.append(monotonicNanoseconds() - start)
        }
        report("query of 100 recent records", &times)
        query.result = "nothing"
        times = []
        for _ in 0..<5 {
            let start = monotonicNanoseconds()
            _ = try? trail.query(query)
            times.append(monotonicNanoseconds() - start)
        }
        report("query that finds nothing in \(trail.status.bytes >> 20) MiB", &times)
    }

    private static func report(_ name: String, _ times: inout [UInt64]) {
        times.sort()
        func at(_ share: Double) -> String {
            rounded(Double(times[Int(Double(times.count - 1) * share)]) / 1e6)
        }
        print("\(name): median \(at(0.5)) ms, p95 \(at(0.95)), p99 \(at(0.99)), most \(at(1))")
    }

    private static func rounded(_ number: Double) -> String {
        "\((number * 1000).rounded() / 1000)"
    }
}
