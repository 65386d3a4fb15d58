/// The minute and the hour of a moment, worked out once for all facts of that moment.
struct FailureClock: Sendable {
    private var now: UInt64 = 0
    private(set) var minute: UInt64 = 0
    private(set) var hour: UInt64 = 0

    @inline(__always)
    mutating func turn(to now: UInt64) {
        guard now != self.now else { return }
        self.now = now
        minute = now / FailureRate.minuteLength
        hour = now / FailureRate.hourLength
    }
}

/// How often something happened in the last hour, by minute, and in the last day, by hour.
struct FailureRate: Sendable {
    private var minutes = [UInt32](repeating: 0, count: 61)
    private var hours = [UInt32](repeating: 0, count: 25)
    /// The minute and the hour that were counted in last.
    private var minute: UInt64 = 0
    private var hour: UInt64 = 0
    private(set) var total: UInt64 = 0

    static let minuteLength: UInt64 = 60_000_000_000
    static let hourLength: UInt64 = 3_600_000_000_000

    mutating func add(_ clock: FailureClock) {
        if clock.minute > minute { Self.turn(&minutes, &minute, to: clock.minute) }
        if clock.hour > hour { Self.turn(&hours, &hour, to: clock.hour) }
        minutes[Int(minute % 61)] &+= 1
        hours[Int(hour % 25)] &+= 1
        total &+= 1
    }

    /// Takes back what was added at `time`, Unix nanoseconds, as far as it is still held.
    mutating func remove(at time: UInt64) {
        Self.remove(&minutes, minute, time / Self.minuteLength)
        Self.remove(&hours, hour, time / Self.hourLength)
        total = total.less(1)
    }

    private static func remove(_ slots: inout [UInt32], _ latest: UInt64, _ number: UInt64) {
        let count = UInt64(slots.count)
        guard number <= latest, latest &- number < count else { return }
        let slot = Int(number % count)
        if slots[slot] > 0 { slots[slot] -= 1 }
    }

    /// In this minute and the 60 before.
    func lastHour(now: UInt64) -> UInt64 {
        Self.sum(minutes, minute, now / Self.minuteLength)
    }

    /// In this hour and the 24 before.
    func lastDay(now: UInt64) -> UInt64 { Self.sum(hours, hour, now / Self.hourLength) }

    /// A clock that is set back counts in the slot that it had reached.
    private static func turn(_ slots: inout [UInt32], _ latest: inout UInt64, to number: UInt64) {
        let count = UInt64(slots.count)
        let steps = min(number &- latest, count)
        for step in 1...max(steps, 1) { slots[Int((latest &+ step) % count)] = 0 }
        latest = number
        if steps == count { slots[Int(number % count)] = 0 }
    }

    private static func sum(_ slots: [UInt32], _ latest: UInt64, _ number: UInt64) -> UInt64 {
        let count = UInt64(slots.count)
        guard number > latest else { return slots.reduce(0) { $0 &+ UInt64($1) } }
        let passed = number &- latest
        guard passed < count else { return 0 }
        // The slots after the latest one are the oldest.
        var sum: UInt64 = 0
        for age in 0..<(count &- passed) {
            sum &+= UInt64(slots[Int((latest &+ count &- age) % count)])
        }
        return sum
    }
}

/// What is counted of one type of error of one component.
struct FailureType: Sendable {
    let component: FailureComponent
    var errorType: Int32 = 0
    /// It says that what something was called with is wrong.
    var refusesArguments = false
    var rate = FailureRate()
    var recovered: UInt64 = 0
    var unrecovered: UInt64 = 0
    /// Nanoseconds that all recoveries took together.
    var recoveryTime: UInt64 = 0
    /// How often each way was the one, by `FailureStrategy`.
    var strategies = [UInt32](repeating: 0, count: FailureStrategy.allCases.count)
    /// Unix nanoseconds of arrival.
    var lastHeard: UInt64 = 0

    init(component: FailureComponent) { self.component = component }
}
