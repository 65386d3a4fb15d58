/// One scrape: walks sources in order and gives out the page in slices.
///
/// Confined to one thread. Holds at most one slice and one open family's message.
public final class ExpositionPage {
    /// The largest slice given out.
    public static let sliceBytes = 256 * 1024

    private var writer: ExpositionWriter
    private var passes: [any ExpositionPass]
    private var next = 0
    private var isEnded = false
    /// Finished bytes that did not fit into the last slice.
    private var waiting: [UInt8] = []
    private var given = 0

    /// What it has allocated for bytes that were not given out.
    public var heldBytes: Int { writer.capacity + waiting.capacity }

    /// The walks over the sources begin now, one after another as slices are asked for.
    public init(format: ExpositionFormat, sources: [any ExpositionSource]) {
        writer = ExpositionWriter(format: format)
        passes = sources.map { $0.makePass() }
    }

    /// Appends the next slice to `target`; answers whether there is more to come.
    public func next(into target: inout [UInt8]) -> Bool {
        if waiting.isEmpty { write(into: &target) } else { handOn(into: &target) }
        return !waiting.isEmpty || !isEnded
    }

    private func write(into target: inout [UInt8]) {
        let start = target.count
        while !isEnded, target.count == start {
            writeOn()
            writer.takeFinished(into: &target)
        }
        let excess = target.count - start - Self.sliceBytes
        guard excess > 0 else { return }
        waiting = Array(target.suffix(excess))
        target.removeLast(excess)
    }

    private func handOn(into target: inout [UInt8]) {
        let length = min(waiting.count - given, Self.sliceBytes)
        target.append(contentsOf: waiting[given..<given + length])
        given += length
        guard given == waiting.count else { return }
        waiting = []
        given = 0
    }

    private func writeOn() {
        let goal = Self.sliceBytes - Self.sliceBytes / 4
        while next < passes.count, writer.count < goal {
            if !passes[next].write(into: &writer, upTo: goal) {
                next += 1
                // A pass that ended inside a family must not swallow the families of the next one.
                writer.endFamily()
            }
        }
        if next == passes.count {
            passes.removeAll()
            next = 0
            writer.end()
            isEnded = true
        }
    }
}
