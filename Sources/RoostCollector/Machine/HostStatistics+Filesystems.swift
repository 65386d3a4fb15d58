import Glibc
import RoostMetrics

extension HostStatistics {
    /// File systems on disks of this machine. Those behind a network are left out: one that does not
    /// answer would keep the thread for ever.
    private static let local: Set<Substring> = [
        "ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "f2fs", "vfat", "exfat", "ntfs3",
    ]
    private static let mostFilesystems = 32

    private struct Filesystem {
        let labels: LabelText
        let size: Double
        let free: Double
        let available: Double
        let files: Double
        let filesFree: Double
        let isReadOnly: Bool
    }

    static func filesystems(_ mounts: ProcText) -> [SelfFamily] {
        var seen: Set<Substring> = []
        let found = mounts.rows.filter { row in
            guard row.count >= 4, local.contains(row[2]) || row[2] == "overlay" && row[1] == "/"
            else { return false }
            // The same device is often mounted in many places.
            return seen.insert(row[2] == "overlay" ? "overlay" : row[0]).inserted
        }.prefix(mostFilesystems).compactMap(filesystem)
        func gauge(
            _ name: String, _ help: String, _ value: (Filesystem) -> Double
        ) -> SelfFamily {
            family("filesystem_" + name, help) { family in
                family.series = found.map { ($0.labels, value($0)) }
            }
        }
        return [
            gauge("size_bytes", "Size of the file system.") { $0.size },
            gauge("free_bytes", "Bytes free, those kept for root included.") { $0.free },
            gauge("avail_bytes", "Bytes that programs may still use.") { $0.available },
            gauge("files", "Files that there may be.") { $0.files },
            gauge("files_free", "Files that may still be made.") { $0.filesFree },
            gauge("readonly", "1 if nothing can be written.") { $0.isReadOnly ? 1 : 0 },
        ]
    }

    private static func filesystem(_ row: [Substring]) -> Filesystem? {
        let place = unescaped(row[1])
        var status = statvfs()
        guard unsafe statvfs(place, &status) == 0 else { return nil }
        let block = Double(status.f_frsize)
        var labels = LabelBuilder()
        labels.add("device", unescaped(row[0]))
        labels.add("fstype", String(row[2]))
        labels.add("mountpoint", place)
        return Filesystem(
            labels: labels.finish(), size: Double(status.f_blocks) * block,
            free: Double(status.f_bfree) * block, available: Double(status.f_bavail) * block,
            files: Double(status.f_files), filesFree: Double(status.f_ffree),
            isReadOnly: row[3].split(separator: ",").contains("ro"))
    }

    /// Blanks and backslashes in names stand as `\040`. fstab(5).
    static func unescaped(_ text: Substring) -> String {
        guard text.contains("\\") else { return String(text) }
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            let digits = rest.prefix(3)
            if byte == UInt8(ascii: "\\"), digits.count == 3,
                digits.allSatisfy({ (0x30...0x37).contains($0) })
            {
                bytes.append(digits.reduce(0) { $0 &* 8 &+ ($1 &- 0x30) })
                rest = rest.dropFirst(3)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
