import Glibc
import RoostMetrics

/// A store that has taken the metrics requests on standard input: each four bytes of length,
/// little-endian, and the request. The store is small, so that families overflow.
func storeOfStandardInput(seriesPerMetric: Int) -> SeriesStore {
    let store = SeriesStore(
        settings: SeriesSettings(seriesPerMetric: seriesPerMetric),
        reservedNames: { $0.hasPrefix("roost_") })
    var input: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while true {
        let count = unsafe chunk.withUnsafeMutableBytes { unsafe read(0, $0.baseAddress, $0.count) }
        if count <= 0 { break }
        input.append(contentsOf: chunk[..<count])
    }
    unsafe input.withUnsafeBytes { bytes in
        var offset = 0
        while offset + 4 <= bytes.count {
            let length = unsafe Int(
                UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self)))
            offset += 4
            guard length <= bytes.count - offset else { return }
            unsafe store.ingest(
                UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + length]), now: 0)
            offset += length
        }
    }
    return store
}
