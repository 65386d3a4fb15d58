import Glibc
import RoostCore
import RoostMetrics

/// What the kernel says of the machine, in the families and with the labels of node_exporter:
/// utilisation, saturation and errors of processors, memory, disks, network and descriptors.
///
/// Read from `/proc`, which takes about a millisecond and may take longer where a disk does not
/// answer: not on a loop. Devices beyond `mostDevices` are left out.
struct HostStatistics: Sendable {
    let families: [SelfFamily]

    static let mostDevices = 64
    static let mostProcessors = 256
    private static let prefix = "node_"

    /// Whether a family could be one of these.
    static func isReserved(_ name: String) -> Bool { name.hasPrefix(prefix) }

    /// `proc` is another folder in tests.
    init(proc: String = "/proc") {
        var families = Self.stat(ProcText(file: proc + "/stat"))
        families += Self.memory(ProcText(file: proc + "/meminfo"))
        families += Self.load(ProcText(file: proc + "/loadavg"))
        families += Self.disks(ProcText(file: proc + "/diskstats"))
        families += Self.network(ProcText(file: proc + "/net/dev"))
        families += Self.descriptors(ProcText(file: proc + "/sys/fs/file-nr"))
        for resource in ["cpu", "io", "memory"] {
            families += Self.pressure(resource, ProcText(file: proc + "/pressure/" + resource))
        }
        families += Self.filesystems(ProcText(file: proc + "/self/mounts"))
        self.families = families.filter { !$0.series.isEmpty }
    }

    // MARK: processors

    private static let modes = [
        "user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal",
    ]

    static func stat(_ text: ProcText) -> [SelfFamily] {
        let ticks = Double(max(1, sysconf(CInt(_SC_CLK_TCK))))
        var cpu = SelfFamily(
            name: "node_cpu_seconds_total", type: .counter,
            help: "Seconds that each processor spent in each mode.")
        let processors = text.rows.filter {
            $0.first.map { $0.hasPrefix("cpu") && $0.count > 3 } ?? false
        }
        for row in processors.prefix(mostProcessors) {
            let number = String(row[0].dropFirst(3))
            for (mode, value) in zip(modes, row.dropFirst()) {
                cpu.series.append(
                    (["cpu": number, "mode": mode] as LabelText, (Double(value) ?? 0) / ticks))
            }
        }
        return [
            cpu,
            one(
                "context_switches_total", .counter, "Switches from one task to another.",
                text.number("ctxt")),
            one("intr_total", .counter, "Interrupts served.", text.number("intr")),
            one("forks_total", .counter, "Processes and threads begun.", text.number("processes")),
            one(
                "boot_time_seconds", .gauge, "When the machine was started, in Unix seconds.",
                text.number("btime")),
            one(
                "procs_running", .gauge, "Tasks that run or wait for a processor.",
                text.number("procs_running")),
            one(
                "procs_blocked", .gauge, "Tasks that wait for a disk.",
                text.number("procs_blocked")),
        ]
    }

    static func load(_ text: ProcText) -> [SelfFamily] {
        guard let row = text.rows.first, row.count >= 3 else { return [] }
        return zip(["1", "5", "15"], row).map { minutes, value in
            one(
                "load" + minutes, .gauge,
                "Tasks that ran or waited, averaged over \(minutes) minutes.", Double(value))
        }
    }

    // MARK: memory and descriptors

    private static let memoryFigures: [(name: String, help: String)] = [
        ("MemTotal", "All memory."), ("MemFree", "Memory used for nothing."),
        ("MemAvailable", "Memory that programs could still get without swapping."),
        ("Buffers", "Buffers of block devices."), ("Cached", "Pages of files."),
        ("SwapCached", "Pages in memory that are in the swap space too."),
        ("Active", "Pages used lately."), ("Inactive", "Pages not used lately."),
        ("AnonPages", "Pages of programs that belong to no file."),
        ("Mapped", "Pages of files that programs have mapped."), ("Shmem", "Shared memory."),
        ("Dirty", "Pages that wait to be written."), ("Writeback", "Pages being written."),
        ("Slab", "The kernel's own objects."),
        ("SReclaimable", "The kernel's own objects that it could give up."),
        ("SwapTotal", "All swap space."), ("SwapFree", "Swap space used for nothing."),
        ("CommitLimit", "What may be promised to programs."),
        ("Committed_AS", "What has been promised to programs."),
    ]

    static func memory(_ text: ProcText) -> [SelfFamily] {
        memoryFigures.map { name, help in
            one(
                "memory_\(name)_bytes", .gauge, help, text.number(name + ":").map { $0 * 1024 })
        }
    }

    static func descriptors(_ text: ProcText) -> [SelfFamily] {
        guard let row = text.rows.first, row.count >= 3 else { return [] }
        return [
            one("filefd_allocated", .gauge, "Open files of all programs.", Double(row[0])),
            one("filefd_maximum", .gauge, "Most open files of all programs.", Double(row[2])),
        ]
    }

    // MARK: disks

    private static let sectorBytes = 512.0
    /// Name, help, column of `/proc/diskstats`, factor. Documentation/admin-guide/iostats.rst of
    /// the kernel.
    private static let diskFigures: [(name: String, help: String, column: Int, factor: Double)] = [
        ("reads_completed_total", "Reads completed.", 3, 1),
        ("read_bytes_total", "Bytes read.", 5, sectorBytes),
        ("read_time_seconds_total", "Seconds that reads took, together.", 6, 0.001),
        ("writes_completed_total", "Writes completed.", 7, 1),
        ("written_bytes_total", "Bytes written.", 9, sectorBytes),
        ("write_time_seconds_total", "Seconds that writes took, together.", 10, 0.001),
        ("io_now", "Reads and writes under way.", 11, 1),
        ("io_time_seconds_total", "Seconds in which the disk was busy.", 12, 0.001),
        (
            "io_time_weighted_seconds_total",
            "Seconds in which the disk was busy, times what was under way.", 13, 0.001
        ),
    ]

    static func disks(_ text: ProcText) -> [SelfFamily] {
        let rows = text.rows.filter { $0.count >= 14 && isWholeDisk($0[2]) }.prefix(mostDevices)
        return diskFigures.map { name, help, column, factor in
            family("disk_" + name, help) { family in
                for row in rows {
                    family.series.append(
                        (
                            label("device", row[2]), (Double(row[column]) ?? 0) * factor
                        ))
                }
            }
        }
    }

    /// Not a partition, a loop or a disk in memory, as node_exporter leaves them out.
    static func isWholeDisk(_ name: Substring) -> Bool {
        guard let last = name.last, last.isNumber else { return true }
        let stem = name.reversed().drop { $0.isNumber }
        let kind = String(stem.reversed())
        if ["ram", "zram", "loop", "fd"].contains(kind) { return false }
        // sda1, vdb2, xvdf1
        if kind.count >= 3, kind.dropLast().hasSuffix("d"), kind.count <= 4 {
            return !["hd", "sd", "vd", "xvd"].contains(String(kind.dropLast()))
        }
        // nvme0n1p2
        return !(kind.hasPrefix("nvme") && kind.hasSuffix("p"))
    }

    // MARK: network

    /// Name, help, column behind the device in `/proc/net/dev`.
    private static let networkFigures: [(name: String, help: String, column: Int)] = [
        ("receive_bytes_total", "Bytes received.", 0),
        ("receive_packets_total", "Packets received.", 1),
        ("receive_errs_total", "Packets received with an error.", 2),
        ("receive_drop_total", "Packets received and dropped.", 3),
        ("transmit_bytes_total", "Bytes sent.", 8),
        ("transmit_packets_total", "Packets sent.", 9),
        ("transmit_errs_total", "Packets not sent because of an error.", 10),
        ("transmit_drop_total", "Packets dropped before they were sent.", 11),
    ]

    static func network(_ text: ProcText) -> [SelfFamily] {
        // `eth0: 1 2 …`, or `eth0:1 2 …` where the number is long.
        let devices = text.rows.compactMap { row -> (name: Substring, values: [Double])? in
            let line = row.joined(separator: " ")
            guard let colon = line.lastIndex(of: ":") else { return nil }
            let values = line[line.index(after: colon)...].split(separator: " ").map {
                Double($0) ?? 0
            }
            return values.count >= 12 ? (line[..<colon], values) : nil
        }.prefix(mostDevices)
        return networkFigures.map { name, help, column in
            family("network_" + name, help) { family in
                for device in devices {
                    family.series.append((label("device", device.name), device.values[column]))
                }
            }
        }
    }

    // MARK: pressure

    /// Documentation/accounting/psi.rst of the kernel; not every one has it.
    static func pressure(_ resource: String, _ text: ProcText) -> [SelfFamily] {
        func total(_ word: String) -> Double? {
            text.row(word)?.first { $0.hasPrefix("total=") }.flatMap { Double($0.dropFirst(6)) }
                .map { $0 / 1e6 }
        }
        let waiting = one(
            "pressure_\(resource)_waiting_seconds_total", .counter,
            "Seconds in which at least one task waited for \(resource).", total("some"))
        guard resource != "cpu" else { return [waiting] }
        return [
            waiting,
            one(
                "pressure_\(resource)_stalled_seconds_total", .counter,
                "Seconds in which nothing went on for want of \(resource).", total("full")),
        ]
    }

    // MARK: families

    static func one(
        _ name: String, _ type: FamilyType, _ help: String, _ value: Double?
    ) -> SelfFamily {
        SelfFamily(
            name: prefix + name, type: type, help: help,
            series: value.map { [(LabelText.none, $0)] } ?? [])
    }

    static func family(
        _ name: String, _ help: String, _ fill: (inout SelfFamily) -> Void
    ) -> SelfFamily {
        var family = SelfFamily(
            name: prefix + name, type: name.hasSuffix("_total") ? .counter : .gauge, help: help)
        fill(&family)
        return family
    }

    static func label(_ name: String, _ value: Substring) -> LabelText {
        var labels = LabelBuilder()
        labels.add(name, String(value))
        return labels.finish()
    }
}
