import Synchronization

/// How many series a family of derived metrics may have, beside the one that the others share.
///
/// It may change at any time: those that are there stay, new ones find the new limit. Any thread.
public final class SeriesLimit: Sendable {
    private let number: Atomic<Int>

    public init(_ most: Int) { number = Atomic(most) }

    public var most: Int { number.load(ordering: .relaxed) }

    public func use(_ most: Int) { number.store(most, ordering: .relaxed) }
}
