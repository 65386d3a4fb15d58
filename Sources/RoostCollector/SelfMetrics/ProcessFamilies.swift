import RoostMetrics

/// The families of the process, named as the Prometheus client libraries name them where they do.
enum ProcessFamilies {
    static func all(_ process: ProcessStatistics) -> [SelfFamily] {
        func one(_ name: String, _ type: FamilyType, _ help: String, _ value: Double) -> SelfFamily
        {
            SelfFamily(name: name, type: type, help: help, series: [(.none, value)])
        }
        return [
            one(
                "process_cpu_seconds_total", .counter, "User and system CPU time spent.",
                process.cpuSeconds),
            one(
                "process_resident_memory_bytes", .gauge, "Resident memory size.",
                Double(process.residentBytes)),
            one(
                "process_virtual_memory_bytes", .gauge, "Virtual memory size.",
                Double(process.virtualBytes)),
            one(
                "process_open_fds", .gauge, "Open file descriptors.",
                Double(process.openDescriptors)),
            one(
                "process_max_fds", .gauge, "Most file descriptors that may be open.",
                Double(process.maxDescriptors)),
            one("process_threads", .gauge, "Threads of the process.", Double(process.threads)),
            one(
                "process_start_time_seconds", .gauge, "When the process began, in Unix seconds.",
                process.startTimeSeconds),
            SelfFamily(
                name: "process_context_switches_total", type: .counter,
                help: "Times that a thread gave up its processor or lost it.",
                series: [
                    (["type": "involuntary"] as LabelText, process.involuntarySwitches),
                    (["type": "voluntary"] as LabelText, process.voluntarySwitches),
                ]),
            one(
                "process_disk_read_bytes_total", .counter, "Bytes fetched from disks.",
                process.readBytes),
            one(
                "process_disk_written_bytes_total", .counter, "Bytes sent to disks.",
                process.writtenBytes),
            one(
                "process_major_page_faults_total", .counter,
                "Pages that had to be fetched from a disk.", process.majorFaults),
            one(
                "process_minor_page_faults_total", .counter,
                "Pages that were found without a disk.", process.minorFaults),
        ]
    }
}
