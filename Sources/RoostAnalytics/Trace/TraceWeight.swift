public import RoostCore
import RoostIngest
import RoostWire

/// How much memory it takes to work on a trace, found out by a walk over its bytes before anything is
/// made of them. What is written of it is paid for by its writer.
public struct TraceWeight: Sendable {
    /// Of the trace as it is stored, held all the while.
    public let stored: Int
    private let steps: Int
    /// While the largest span is written, and what is kept of the largest resource or scope.
    private let spanBytes: Int
    private let resourceBytes: Int

    /// An entry in a dictionary and what belongs to it.
    static let bytesOfEntry = 192
    /// What is known of a step while all are looked at: the activity, its details, its node, and
    /// where it stands among the others.
    private static let bytesOfNode =
        MemoryLayout<Activity>.stride + MemoryLayout<SpanDetail>.stride
        + MemoryLayout<TraceNode>.stride + 256
    /// With a text or two of its own.
    private static let bytesOfStep = MemoryLayout<TraceStep>.stride + 128
    /// With what is found out when it is analysed.
    private static let bytesOfAnalysedStep = 1 << 10
    /// Where a span stands, or that it was met.
    private static let bytesOfPlace = 64
    /// Of events, packed, at least.
    private static let leastActivity = 15

    /// `activities` are packed.
    public init(_ chunks: [ByteBlock], activities: [UInt8] = []) {
        var counter = Counter()
        chunks.show(to: &counter)
        stored = chunks.reduce(activities.count) { $0 + $1.count }
        steps = counter.spans + activities.count / Self.leastActivity
        spanBytes = counter.spanBytes
        resourceBytes = counter.resourceBytes
    }

    /// While the document is made with at most so many steps.
    public func making(most: Int) -> Int {
        // What texts take comes on top: as bytes, and those that are shown once more.
        steps * Self.bytesOfNode + stored + min(steps, most) * Self.bytesOfStep
    }

    /// While a document of at most so many steps is written.
    public func writing(most: Int) -> Int { min(steps, most) * Self.bytesOfStep + writing }

    /// While one span after the other is written, without a document.
    public var writing: Int { steps * Self.bytesOfPlace + spanBytes + resourceBytes }

    /// While a document of at most so many steps is analysed.
    public func analysing(most: Int) -> Int { min(steps, most) * Self.bytesOfAnalysedStep }

    private struct Counter: TraceVisitor {
        var spans = 0
        var spanBytes = 0
        var resourceBytes = 0
        /// Met since the last span.
        private var keys = 0

        /// A key that was met, in a set that has grown; and the least that one is in the request.
        private static let bytesOfKey = 64
        private static let leastEntry = 7

        mutating func resource(_ view: ResourceView) { add(view.attributes) }
        mutating func scope(_ view: ScopeView) { add(view.attributes) }

        /// These are made whole before they are written.
        private mutating func add(_ list: AttributeList) {
            resourceBytes = max(resourceBytes, list.byteCount * 16 + count(list) * 96)
        }

        private func count(_ list: AttributeList) -> Int {
            var keys = 0
            list.forEach { keys += Self.keys(in: $1) }
            return keys
        }

        /// Its own, and at most so many inside.
        private static func keys(in value: AnyValueView) -> Int {
            value.kind == .array || value.kind == .kvlist ? 1 + value.byteCount / leastEntry : 1
        }

        mutating func spanAttribute(_ key: WireBytes, _ value: AnyValueView) {
            keys += Self.keys(in: value)
        }

        mutating func spanRejected() { keys = 0 }

        mutating func span(_ span: SpanView) {
            spans += 1
            span.events.forEach { keys = max(keys, count($0.attributes)) }
            span.links.forEach { keys = max(keys, count($0.attributes)) }
            // Texts and bytes are copied before they are written.
            spanBytes = max(spanBytes, span.bytes.count * 4 + keys * Self.bytesOfKey)
            keys = 0
        }
    }
}
