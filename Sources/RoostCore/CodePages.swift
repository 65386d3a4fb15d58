import Glibc

/// The program's code and that of its libraries, as far as it is in memory.
///
/// A page that was run once stays mapped, and counts as resident, although nobody may look at it
/// again: reading YAML, tables and certificates, starting libraries, answering a question.
public enum CodePages {
    /// Unmaps all pages of code, for what is still needed to come back from the page cache: a fault
    /// for each 64 KiB, a millisecond or two for all. Called when everything has started, and when
    /// memory is short. Any thread.
    ///
    /// Only mappings that are executable and come from files: nobody has written to these. madvise(2).
    public static func forget() {
        guard let maps = readFile("/proc/self/maps", limit: 1 << 20) else { return }
        for line in maps.split(separator: 0x0A) {
            let columns = line.split(separator: 0x20, omittingEmptySubsequences: true)
            guard columns.count >= 6, columns[1].elementsEqual("r-xp".utf8),
                columns[5].first == 0x2F
            else { continue }
            let ends = columns[0].split(separator: 0x2D).map {
                UInt(String(decoding: $0, as: UTF8.self), radix: 16) ?? 0
            }
            guard ends.count == 2, ends[0] > 0, ends[1] > ends[0] else { continue }
            unsafe madvise(
                UnsafeMutableRawPointer(bitPattern: ends[0]), Int(ends[1] - ends[0]), MADV_DONTNEED)
        }
    }
}
