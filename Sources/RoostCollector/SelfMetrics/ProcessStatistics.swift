import Glibc
import RoostCore

/// What the system says of this process, named as the Prometheus client libraries name it.
///
/// Read from `/proc` when asked for; about 30 microseconds. proc(5).
package struct ProcessStatistics: Sendable {
    package var cpuSeconds: Double
    package var residentBytes: UInt64
    package var virtualBytes: UInt64
    package var openDescriptors: Int
    package var maxDescriptors: UInt64
    package var threads: Int
    package var startTimeSeconds: Double
    /// Of all threads that there are or were.
    package var voluntarySwitches: Double
    package var involuntarySwitches: Double
    /// To and from disks; what came from the page cache is not counted.
    package var readBytes: Double
    package var writtenBytes: Double
    package var majorFaults: Double
    package var minorFaults: Double

    /// Nil where there is no `/proc`.
    package static func read() -> ProcessStatistics? {
        guard let stat = readFile("/proc/self/stat"), let uptime = bootTimeSeconds() else {
            return nil
        }
        // The second field is the program's name in parentheses and may hold anything.
        guard let close = stat.lastIndex(of: 0x29) else { return nil }
        let fields = stat[(close + 1)...].split(separator: 0x20).map {
            Double(String(decoding: $0, as: UTF8.self)) ?? 0
        }
        guard fields.count > 21 else { return nil }
        // RUSAGE_SELF.
        var usage = rusage()
        unsafe getrusage(__rusage_who_t(0), &usage)
        // Not readable in every container.
        let io = ProcText(file: "/proc/self/io")
        let ticks = Double(max(1, sysconf(CInt(_SC_CLK_TCK))))
        let page = UInt64(max(1, sysconf(CInt(_SC_PAGESIZE))))
        return ProcessStatistics(
            cpuSeconds: Double(processCPUNanoseconds()) * 1e-9,
            residentBytes: UInt64(max(0, fields[21])) &* page,
            virtualBytes: UInt64(max(0, fields[20])),
            openDescriptors: countDescriptors(), maxDescriptors: maxDescriptors(),
            threads: Int(fields[17]),
            startTimeSeconds: uptime + fields[19] / ticks,
            voluntarySwitches: Double(usage.ru_nvcsw),
            involuntarySwitches: Double(usage.ru_nivcsw),
            readBytes: io.number("read_bytes:") ?? 0, writtenBytes: io.number("write_bytes:") ?? 0,
            majorFaults: Double(usage.ru_majflt), minorFaults: Double(usage.ru_minflt))
    }

    private static func bootTimeSeconds() -> Double? {
        guard let stat = readFile("/proc/stat") else { return nil }
        for line in stat.split(separator: 0x0A) where line.starts(with: Array("btime ".utf8)) {
            return Double(String(decoding: line.dropFirst(6), as: UTF8.self))
        }
        return nil
    }

    private static func countDescriptors() -> Int {
        guard let folder = unsafe opendir("/proc/self/fd") else { return 0 }
        defer { unsafe closedir(folder) }
        var count = 0
        while unsafe readdir(folder) != nil { count += 1 }
        // "." and "..", and the descriptor of the folder itself.
        return max(0, count - 3)
    }

    private static func maxDescriptors() -> UInt64 {
        var limit = rlimit()
        guard unsafe getrlimit(__rlimit_resource_t(7), &limit) == 0 else { return 0 }
        return UInt64(limit.rlim_cur)
    }
}
