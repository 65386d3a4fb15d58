public import RoostIngest

/// Everything that is made of facts, in one value with one home.
///
/// Pure: time is passed in, nothing is read or written. All of it stays below 64 MB at 10,000 open
/// workflows.
public struct Analytics: Sendable {
    public private(set) var symbols = Symbols()
    public private(set) var windows = Windows()
    public private(set) var fleet: Fleet
    public private(set) var patterns = Patterns()
    /// Facts taken, and facts that found no room before they came here.
    public private(set) var facts: UInt64 = 0
    public private(set) var droppedFacts: UInt64 = 0

    private var events: EventRing
    /// Told by the parts, and not yet in the ring.
    private var newEvents: [FleetEvent] = []
    /// The latest event that `takeMessages` has told.
    private var lastTold: UInt64 = 0

    private static let keptEvents = 8_192
    /// More new events than this are not rendered at once: those who listen learn that they missed
    /// some.
    private static let mostMessages = 4_000

    /// `began` is when the program began, in Unix nanoseconds; events are numbered from there, so
    /// that those of an earlier run have lower numbers.
    public init(began: UInt64) {
        fleet = Fleet(firstEvent: began / 1_000)
        events = EventRing(limit: Self.keptEvents, first: began / 1_000)
        lastTold = events.latest
    }

    /// Takes in the texts of a batch; its facts follow with `take(_:now:)`, in parts as short as
    /// whoever holds the lock likes.
    public mutating func begin(_ batch: AgentFactBatch) {
        symbols.take(batch)
        droppedFacts &+= UInt64(batch.dropped)
    }

    /// `now` is when they came, in Unix nanoseconds.
    public mutating func take(_ facts: ArraySlice<AgentFact>, now: UInt64) {
        self.facts &+= UInt64(facts.count)
        for fact in facts {
            windows.take(fact, symbols, now: now)
            fleet.take(fact, symbols, now: now, events: &newEvents)
            patterns.take(fact, symbols, now: now)
        }
        keepEvents()
    }

    /// Once a second.
    public mutating func tick(now: UInt64) {
        windows.tick(now: now)
        fleet.tick(now: now, events: &newEvents)
        patterns.tick(now: now)
        keepEvents()
    }

    private mutating func keepEvents() {
        for event in newEvents { events.append(event) }
        newEvents.removeAll(keepingCapacity: true)
    }

    // MARK: live

    /// From here on `takeMessages` tells what comes.
    public mutating func beginMessages() { lastTold = events.latest }

    /// The events since the last time, rendered, the oldest first, and how many were left out.
    public mutating func takeMessages() -> (missed: UInt64, messages: [LiveMessage]) {
        let (missed, new) = events.after(lastTold, most: Self.mostMessages)
        lastTold = events.latest
        return (missed, new.map { LiveMessage($0, symbols) })
    }

    /// The events after one that was told, as far as they are kept, and how many are not.
    public func messages(after id: UInt64) -> (missed: UInt64, messages: [LiveMessage]) {
        let (missed, kept) = events.after(id)
        return (missed, kept.map { LiveMessage($0, symbols) })
    }

    /// The number of the latest event.
    public var latestEvent: UInt64 { events.latest }

    // MARK: questions

    /// The figures of one window with what is active now; nil when it is no size of a window.
    public func window(
        _ seconds: Int, now: UInt64, groups: Bool = true
    ) -> WindowStatistics? {
        windows.query(
            window: seconds, symbols, now: now, activeWorkflows: fleet.activeWorkflows,
            activeAgents: fleet.activeAgents, groups: groups)
    }
}
