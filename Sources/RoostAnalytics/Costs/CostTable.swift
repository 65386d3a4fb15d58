import RoostCore
import RoostIngest

/// What costs are told by.
public enum CostDimension: Int, CaseIterable, Sendable {
    case agent, model, provider, workflow, session, user, service, operation

    /// Whether a run belongs to one of them. Models, providers and operations are used by calls,
    /// and one run uses several.
    var hasRuns: Bool {
        switch self {
        case .agent, .workflow, .session, .user, .service: true
        case .model, .provider, .operation: false
        }
    }

    /// Names of it that are told apart.
    var room: Int {
        switch self {
        case .session: 500
        case .user: 300
        case .provider: 60
        default: 200
        }
    }
}

/// The spenders of one dimension, by name.
///
/// Facts name them by number or hash, which last no longer than the program; the names are found
/// once for each. When there is no room, the quarter that spent least goes to "(other)".
struct CostTable: Sendable {
    struct Row: Sendable, Equatable {
        var name: String
        /// Of the running hour.
        var live = CostTally()
        var history = CostHistory()
        /// The provider of a model, by name.
        var provider = ""
    }

    /// The first is "(other)".
    private(set) var rows = [Row(name: Symbols.overflow)]
    private var byName = [ExactText(Symbols.overflow): 0]
    /// By number of text, for each of several meanings that a number may have: the row + 1, or 0.
    private var places: [[Int32]] = Array(repeating: [], count: 4)
    private var byHash: [UInt64: Int] = [:]
    /// The row of hashes of late, by their lowest bits.
    private var recent = [Recent](repeating: Recent(), count: 64)
    private let room: Int
    /// Making room takes time, so names without end get it once a minute; between, those for which
    /// there is none count as "(other)".
    private var mayMakeRoom = true

    private struct Recent: Sendable {
        var hash: UInt64 = 0
        var row = -1
    }

    private static let mostNumbers = 262_144

    init(room: Int) { self.room = room }

    /// The row of a text. `name` is asked once.
    @inline(__always)
    mutating func row(
        _ number: Int32, meaning: Int = 0, _ name: () -> String
    ) -> Int {
        let index = Int(number)
        if index >= 0, index < places[meaning].count, places[meaning][index] != 0 {
            return Int(places[meaning][index] &- 1)
        }
        return newRow(number, meaning, name())
    }

    @inline(never)
    private mutating func newRow(
        _ number: Int32, _ meaning: Int, _ name: String
    ) -> Int {
        let index = Int(number)
        guard index >= 0, index < CostTable.mostNumbers else { return 0 }
        let row = row(named: name)
        if index >= places[meaning].count {
            let size = min(CostTable.mostNumbers, max(index + 1, places[meaning].count * 2, 64))
            places[meaning].append(
                contentsOf: repeatElement(0, count: size - places[meaning].count))
        }
        places[meaning][index] = Int32(row) + 1
        return row
    }

    /// The row of a session or user. `name` is asked once in a while.
    @inline(__always)
    mutating func row(hash: UInt64, _ name: () -> String?) -> Int {
        let place = Int(truncatingIfNeeded: hash & 63)
        if recent[place].hash == hash, recent[place].row >= 0 { return recent[place].row }
        let row = byHash[hash] ?? newRow(hash, name() ?? Symbols.overflow)
        recent[place] = Recent(hash: hash, row: row)
        return row
    }

    @inline(never)
    private mutating func newRow(_ hash: UInt64, _ name: String) -> Int {
        if byHash.count >= 4 * room { byHash.removeAll(keepingCapacity: true) }
        let row = row(named: name)
        byHash[hash] = row
        return row
    }

    /// Finds or makes a row.
    mutating func row(named name: String) -> Int {
        if let row = byName[ExactText(name)] { return row }
        if rows.count > room {
            guard mayMakeRoom else { return 0 }
            makeRoom()
        }
        rows.append(Row(name: name))
        byName[ExactText(name)] = rows.count - 1
        return rows.count - 1
    }

    @inline(__always)
    mutating func add(_ tally: CostTally, to row: Int) { rows[row].live.add(tally) }

    mutating func setProvider(_ provider: String, of row: Int) { rows[row].provider = provider }

    /// Takes over a row that was read back.
    mutating func restore(_ old: Row) {
        let row = row(named: old.name)
        rows[row].history.add(old.history)
        if rows[row].provider.isEmpty { rows[row].provider = old.provider }
    }

    /// The running hour is over.
    mutating func roll(hour: UInt32, now: UInt32) {
        for row in rows.indices {
            if !rows[row].live.isEmpty {
                rows[row].history.add(rows[row].live, hour: hour)
                rows[row].live = CostTally()
            }
            rows[row].history.prune(hour: now)
        }
        if rows.contains(where: { $0.history.isEmpty && $0.name != Symbols.overflow }) {
            keep(rows.indices.filter { $0 == 0 || !rows[$0].history.isEmpty })
        }
    }

    mutating func allowRoom() { mayMakeRoom = true }

    private mutating func makeRoom() {
        mayMakeRoom = false
        let worths = rows.map { worth($0) }
        let leaving = (1..<rows.count).sorted { worths[$0] < worths[$1] }
            .prefix(max(1, rows.count / 4))
        for row in leaving {
            rows[0].live.add(rows[row].live)
            rows[0].history.add(rows[row].history)
        }
        let left = Set(leaving)
        keep(rows.indices.filter { !left.contains($0) })
    }

    private func worth(_ row: Row) -> (Double, UInt64) {
        var sum = row.history.sum(days: 0...UInt32.max)
        sum.add(row.live)
        return (sum.cost, sum.tokens.total)
    }

    private mutating func keep(_ kept: [Int]) {
        rows = kept.map { rows[$0] }
        byName = [:]
        for (row, content) in rows.enumerated() { byName[ExactText(content.name)] = row }
        places = Array(repeating: [], count: places.count)
        byHash = [:]
        recent = recent.map { _ in Recent() }
    }

    /// Bytes of memory, names aside.
    var byteCount: Int {
        let bucket = MemoryLayout<CostHistory.Bucket>.stride
        return rows.reduce(0) {
            $0 + MemoryLayout<Row>.stride
                + ($1.history.hours.capacity + $1.history.days.capacity) * bucket
        } + places.reduce(0) { $0 + $1.capacity * 4 } + byHash.capacity * 24
    }
}
