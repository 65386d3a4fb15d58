/// What was malformed in a request, and where.
///
/// Made to be used again: `removeAll` keeps the memory.
public struct Rejections: Sendable {
    /// Rejected items: spans, data points or log records.
    public private(set) var count = 0
    /// What was wrong with the first one, for people.
    public private(set) var firstReason: String?
    /// The fields to cut out, tag to last byte, as offsets in the request: ascending and disjoint.
    /// An entry with a broken resource or scope, or a metric, is one range for all its items;
    /// neighbours are one range.
    public private(set) var ranges: [Range<Int>] = []

    /// Whether a string of any of them is not UTF-8.
    private(set) var hasInvalidText = false

    public init() {}

    /// Ranges kept at most: a request made of broken items must not cost more than itself. What
    /// comes after so many is rejected, too.
    @usableFromInline static let maxRanges = 65_536

    @inlinable @inline(__always)
    var isFull: Bool { ranges.count >= Rejections.maxRanges }

    /// Whether nothing has to be cut out. A broken resource without items counts nothing and is
    /// cut out all the same.
    public var isEmpty: Bool { ranges.isEmpty }

    /// Forgets everything, for the next request.
    public mutating func removeAll() {
        count = 0
        firstReason = nil
        hasInvalidText = false
        ranges.removeAll(keepingCapacity: true)
    }

    @usableFromInline @inline(never)
    mutating func add(_ range: Range<Int>, items: Int, _ flaw: ItemFlaw, in place: StaticString) {
        if firstReason == nil {
            firstReason = "\(place): \(flaw.text) (at byte \(range.lowerBound))"
        }
        if flaw == .invalidUTF8 { hasInvalidText = true }
        count += items
        if let last = ranges.last, last.upperBound == range.lowerBound {
            ranges[ranges.count - 1] = last.lowerBound..<range.upperBound
        } else {
            ranges.append(range)
        }
    }
}

/// What makes an item malformed although it can be decoded.
@usableFromInline enum ItemFlaw: UInt8 {
    case none
    case invalidUTF8
    case traceID
    case spanID
    case parentSpanID
    case linkID
    case exemplarID
    case bucketCounts
    case explicitBounds
    case temporality
    case tooMany

    var text: String {
        switch self {
        case .none: "nothing"
        case .invalidUTF8: "a string is not UTF-8"
        case .traceID: "trace_id must be 16 bytes, not all zero"
        case .spanID: "span_id must be 8 bytes, not all zero"
        case .parentSpanID: "parent_span_id must be empty or 8 bytes"
        case .linkID: "a link's ids must be 16 and 8 bytes, not all zero"
        case .exemplarID: "an exemplar's ids must be empty or 16 and 8 bytes, not all zero"
        case .bucketCounts: "bucket_counts must be one more than explicit_bounds, or both empty"
        case .explicitBounds: "explicit_bounds must rise strictly"
        case .temporality: "aggregation_temporality must be delta or cumulative"
        case .tooMany: "too many malformed items stand before it"
        }
    }
}

/// Collects the flaws of one item while it is read. The first one counts, but broken text most of
/// all, because peers refuse the whole request for it.
@frozen @usableFromInline struct ItemCheck {
    @usableFromInline var flaw = ItemFlaw.none

    @inlinable @inline(__always) init() {}

    @inlinable @inline(__always)
    mutating func require(_ holds: Bool, else flaw: ItemFlaw) {
        if !holds && self.flaw == .none { self.flaw = flaw }
    }

    /// Requires the bytes of a string field to be UTF-8.
    @inlinable @inline(__always)
    mutating func text(_ bytes: WireBytes) {
        if !isUTF8(bytes) { flaw = .invalidUTF8 }
    }

    @inlinable @inline(__always) var isFlawless: Bool { flaw == .none }
}
