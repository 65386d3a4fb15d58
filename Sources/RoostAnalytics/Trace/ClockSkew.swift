/// The clock of one service differs from that of the service that called it.
public struct ClockSkew: Sendable, Equatable {
    public var service: String
    public var caller: String
    /// Nanoseconds that the clock of `service` is ahead; negative is behind.
    public var ahead: Int
    /// Calls from which it was found out.
    public var calls: Int
}

/// Finds clocks that disagree by what cannot be: a step that starts before the one that called it,
/// or a server that is still at it when its client has the answer.
///
/// Each call between two services allows a range of differences, whichever of them calls. Where the
/// ranges of all calls between them have something in common, and that is not zero, it is the
/// difference.
struct ClockSkewFinder {
    private struct Pair: Hashable {
        let first: Int32
        let second: Int32

        init(_ one: Int32, _ other: Int32) { (first, second) = (min(one, other), max(one, other)) }
    }

    /// What is to be added to the times of the second service; the bounds are none where nothing
    /// bounds.
    private struct Shift {
        /// That was called first.
        let service: Int32
        var low = Int.min
        var high = Int.max
        var calls = 0
        var isProven = false
    }

    private var shifts: [Pair: Shift] = [:]

    /// Nanoseconds; smaller differences do no harm.
    private static let least = 1_000_000

    mutating func note(
        caller: Int32, service: Int32, parent: ClosedRange<Int>, child: ClosedRange<Int>,
        isAnswered: Bool
    ) {
        let low = parent.lowerBound - child.lowerBound
        let high = isAnswered ? parent.upperBound - child.upperBound : Int.max
        // What takes longer than its caller goes on alone.
        guard low <= high else { return }
        let pair = Pair(caller, service)
        var shift = shifts[pair] ?? Shift(service: service)
        if service == pair.second {
            shift.low = max(shift.low, low)
            shift.high = min(shift.high, high)
        } else {
            shift.low = max(shift.low, high == .max ? .min : -high)
            shift.high = min(shift.high, -low)
        }
        shift.calls += 1
        if low > 0 || high < 0 { shift.isProven = true }
        shifts[pair] = shift
    }

    /// Nanoseconds to add to the times of `service` below `caller`; 0 when they agree.
    func shift(caller: Int32, service: Int32) -> Int {
        let pair = Pair(caller, service)
        guard let shift = shifts[pair] else { return 0 }
        return service == pair.second ? Self.amount(shift) : -Self.amount(shift)
    }

    private static func amount(_ shift: Shift) -> Int {
        guard shift.isProven, shift.low <= shift.high, shift.low > 0 || shift.high < 0 else {
            return 0
        }
        let amount =
            if shift.high == .max {
                shift.low
            } else if shift.low == .min {
                shift.high
            } else {
                shift.low + (shift.high - shift.low) / 2
            }
        return abs(amount) >= least ? amount : 0
    }

    /// Those that differ, by name.
    func skews(_ names: [String]) -> [ClockSkew] {
        var found: [ClockSkew] = []
        for (pair, shift) in shifts {
            let amount = Self.amount(shift)
            guard amount != 0 else { continue }
            let isSecond = shift.service == pair.second
            let (service, caller) =
                isSecond ? (pair.second, pair.first) : (pair.first, pair.second)
            found.append(
                ClockSkew(
                    service: names[Int(service)], caller: names[Int(caller)],
                    ahead: isSecond ? -amount : amount, calls: shift.calls))
        }
        return found.sorted { ($0.service, $0.caller) < ($1.service, $1.caller) }
    }
}
