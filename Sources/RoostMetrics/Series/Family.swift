import Synchronization

/// One metric family that applications send: its head, and its series in stripes.
///
/// The stripe is chosen by job and instance, so that series with the same labels always meet in
/// one, and processes seldom wait for each other.
final class Family: Sendable {
    static let stripeCount = 4

    /// As in text 0.0.4.
    let name: String
    let type: FamilyType
    let help: String
    let unit: String?
    let room: SeriesRoom
    let stripes: [Stripe]
    /// Requests that hold it now; a family with users stays on the table.
    let users = Atomic<Int>(0)
    /// Its name has been taken since: it is not shown, and ends with its series.
    let isEnding = Atomic<Bool>(false)

    init(name: String, type: FamilyType, help: String, unit: String?, limits: SeriesLimits) {
        self.name = name
        self.type = type
        self.help = help
        self.unit = unit
        room = SeriesRoom(limits)
        stripes = (0..<Self.stripeCount).map { _ in Stripe() }
    }

    /// Whether the overflow is a total that goes on. Its parts in the stripes show as one series,
    /// which falls without a reset if one of them ends before all have been silent for `limit`
    /// tenths of a second.
    func keepsOverflow(now: UInt32, limit: UInt32) -> Bool {
        guard type == .counter || type == .histogram else { return false }
        return !stripes.allSatisfy { stripe in
            stripe.state.withLock { $0.isOverflowPast(now: now, limit: limit) }
        }
    }
}

/// A lock and what it guards.
final class Stripe: Sendable {
    let state = Mutex(StripeState())
}
