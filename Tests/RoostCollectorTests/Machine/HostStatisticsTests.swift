import RoostMetrics
import Testing

@testable import RoostCollector

/// The machine of `Tests/Fixtures/machine`, read as node_exporter would tell of it.
@Suite struct HostStatisticsTests {
    static let machine = #filePath.replacing(
        "RoostCollectorTests/Machine/HostStatisticsTests.swift", with: "Fixtures/machine")

    private let families = HostStatistics(proc: machine).families

    private func value(_ name: String, _ labels: LabelText = .none) -> Double? {
        families.first { $0.name == name }?.series.first { $0.labels == labels }?.value
    }

    @Test func `processors, in seconds`() {
        #expect(value("node_cpu_seconds_total", ["cpu": "0", "mode": "user"]) == 6)
        #expect(value("node_cpu_seconds_total", ["cpu": "1", "mode": "idle"]) == 200)
        #expect(value("node_cpu_seconds_total", ["cpu": "1", "mode": "steal"]) == 0.4)
        #expect(families.first { $0.name == "node_cpu_seconds_total" }?.series.count == 16)
        #expect(value("node_context_switches_total") == 987_654)
        #expect(value("node_boot_time_seconds") == 1_763_700_000)
        #expect(value("node_procs_blocked") == 1)
        #expect(value("node_load5") == 1.25)
    }

    @Test func `memory, in bytes`() {
        #expect(value("node_memory_MemTotal_bytes") == 4_134_977_536)
        #expect(value("node_memory_MemAvailable_bytes") == 2_988_384_256)
        #expect(value("node_memory_Committed_AS_bytes") == 2_048_000_000)
        #expect(value("node_filefd_allocated") == 1984)
    }

    @Test func `disks, without partitions`() {
        let disk: LabelText = ["device": "vda"]
        #expect(value("node_disk_read_bytes_total", disk) == 2_097_152)
        #expect(value("node_disk_written_bytes_total", disk) == 4_194_304)
        #expect(value("node_disk_write_time_seconds_total", disk) == 5)
        #expect(value("node_disk_io_now", disk) == 2)
        #expect(value("node_disk_io_time_seconds_total", disk) == 1.5)
        #expect(value("node_disk_io_time_weighted_seconds_total", disk) == 7.5)
        let devices = families.first { $0.name == "node_disk_io_now" }?.series.map(\.labels.string)
        #expect(devices == [#"device="vda""#, #"device="nvme0n1""#, #"device="md0""#])
    }

    @Test(arguments: [
        ("sda", true), ("sda1", false), ("vdb12", false), ("xvdf1", false), ("nvme0n1", true),
        ("nvme0n1p3", false), ("loop7", false), ("ram0", false), ("zram0", false), ("dm-0", true),
        ("md127", true), ("mmcblk0", true), ("sr0", true),
    ])
    func `tells disks from their parts`(_ name: Substring, _ isWhole: Bool) {
        #expect(HostStatistics.isWholeDisk(name) == isWhole)
    }

    @Test func `network devices`() {
        let device: LabelText = ["device": "eth0"]
        #expect(value("node_network_receive_bytes_total", device) == 123_456_789_012)
        #expect(value("node_network_receive_drop_total", device) == 5)
        #expect(value("node_network_transmit_bytes_total", device) == 987_654_321)
        #expect(value("node_network_transmit_errs_total", device) == 6)
        #expect(value("node_network_transmit_packets_total", ["device": "lo"]) == 2)
    }

    @Test func `pressure`() {
        #expect(value("node_pressure_cpu_waiting_seconds_total") == 1.5)
        #expect(value("node_pressure_io_stalled_seconds_total") == 0.5)
        #expect(value("node_pressure_memory_waiting_seconds_total") == 2.5)
    }

    @Test func `file systems of disks, each once`() {
        let sizes = families.first { $0.name == "node_filesystem_size_bytes" }?.series
        #expect(
            sizes?.map(\.labels.string) == [
                #"device="/dev/vda1",fstype="ext4",mountpoint="/""#
            ])
        #expect(HostStatistics.unescaped("/a\\040b\\134") == "/a b\\")
    }

    @Test func `a machine that shows nothing has no families`() {
        #expect(HostStatistics(proc: "/nowhere").families.isEmpty)
    }

    @Test func `this machine has those that every Linux has`() {
        let names = HostStatistics().families.map(\.name)
        for name in ["node_cpu_seconds_total", "node_memory_MemTotal_bytes", "node_load1"] {
            #expect(names.contains(name))
        }
        #expect(names.allSatisfy(HostStatistics.isReserved))
    }
}
