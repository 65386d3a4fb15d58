/// `left + right`, or the largest number there is.
@inline(__always)
func saturatingSum(_ left: UInt64, _ right: UInt64) -> UInt64 {
    let (sum, overflow) = left.addingReportingOverflow(right)
    return overflow ? .max : sum
}

/// What lies above the last bound.
func overflowCount(_ bounds: Span<Double>, _ bucketCounts: Span<UInt64>) -> UInt64 {
    var sum: UInt64 = 0
    var index = bounds.count
    while index < bucketCounts.count {
        sum = saturatingSum(sum, bucketCounts[index])
        index += 1
    }
    return sum
}
