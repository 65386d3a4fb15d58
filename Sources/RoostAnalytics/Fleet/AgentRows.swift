import RoostIngest

/// What the fleet counts of each agent.
struct AgentRow: Sendable {
    var agent: Int32 = 0
    var active: Int32 = 0
    var completed: UInt64 = 0
    var failed: UInt64 = 0
    var calls: UInt64 = 0
    var toolCalls: UInt64 = 0
    var failedCalls: UInt64 = 0
    var tokens: UInt64 = 0
    /// USD; see `hasCost`.
    var cost = 0.0
    var hasCost = false
    /// Nanoseconds of all its runs together, people's time left out.
    var working: UInt64 = 0
    var longest: UInt64 = 0
    /// Unix nanoseconds of arrival.
    var lastHeard: UInt64 = 0
}

/// The agents by number. The first row stands for those that found no room.
struct AgentRows: Sendable {
    private(set) var rows = [AgentRow(agent: -1)]
    /// Row by number of text; 0 where there is none.
    private var places: [UInt16] = []
    private let limit: Int
    private(set) var active = 0

    /// Numbers are below this, or of no agent.
    private static let mostNumbers = 1 << 20

    init(limit: Int) { self.limit = min(max(limit, 1), Int(UInt16.max)) }

    var byteCount: Int { rows.capacity * MemoryLayout<AgentRow>.stride + places.capacity * 2 }

    subscript(place: Int) -> AgentRow {
        @inline(__always) _read { yield rows[place] }
        @inline(__always) _modify { yield &rows[place] }
    }

    /// The row of an agent, made when there is none.
    @inline(__always)
    mutating func place(of agent: Int32) -> Int {
        let number = Int(agent)
        if number >= 0, number < places.count, places[number] != 0 { return Int(places[number]) }
        return newPlace(of: agent)
    }

    @inline(never)
    private mutating func newPlace(of agent: Int32) -> Int {
        let number = Int(agent)
        guard number >= 0, number < Self.mostNumbers, rows.count <= limit else { return 0 }
        if number >= places.count {
            places.append(contentsOf: repeatElement(0, count: number + 1 - places.count))
        }
        places[number] = UInt16(rows.count)
        rows.append(AgentRow(agent: agent))
        return rows.count - 1
    }

    mutating func addActive(_ agent: Int32, _ change: Int32) {
        self[place(of: agent)].active += change
        active += Int(change)
    }
}
