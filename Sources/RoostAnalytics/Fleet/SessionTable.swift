import RoostIngest

/// What is remembered of one session beside the runs that are held.
struct SessionRecord: Sendable {
    /// Of the session and of its user; 0 is free, and no user.
    var hash: UInt64 = 0
    var user: UInt64 = 0
    var service: Int32 = 0
    /// Runs that are held.
    var held: Int32 = 0
    /// Of runs that are not held any more, and what no run tells.
    var workflows: Int32 = 0
    var failed: Int32 = 0
    var tokens: UInt64 = 0
    /// USD; see `hasCost`.
    var cost = 0.0
    var hasCost = false
    /// Unix nanoseconds by the senders' clocks, of runs that are not held any more.
    var start = UInt64.max
    var end: UInt64 = 0
    /// Unix nanoseconds of arrival.
    var firstHeard: UInt64 = 0
    var lastHeard: UInt64 = 0
    /// Greater than that of every session heard of before.
    var sequence: UInt64 = 0

    mutating func note(_ fact: AgentFact, now: UInt64) {
        lastHeard = now
        if service == 0 { service = fact.service }
        if fact.user != 0 { user = fact.user }
    }
}

/// The sessions that runs belong to. Those that no held run belongs to are forgotten first.
struct SessionTable: Sendable {
    private(set) var records: [SessionRecord] = []
    private var free: [Int32] = []
    private var index = SlotIndex()
    private let limit: Int
    private var sequence: UInt64 = 0
    /// Where the search for one to forget goes on.
    private var hand = 0
    /// Sessions that were forgotten.
    private(set) var forgotten: UInt64 = 0

    init(limit: Int) { self.limit = limit }

    var byteCount: Int {
        records.capacity * MemoryLayout<SessionRecord>.stride + index.byteCount
            + free.capacity * 4
    }

    var count: Int { records.count - free.count }

    subscript(place: Int32) -> SessionRecord {
        @inline(__always) _read { yield records[Int(place)] }
        @inline(__always) _modify { yield &records[Int(place)] }
    }

    /// The session of a run that it did not know of; -1 when there is no room.
    mutating func join(_ hash: UInt64, now: UInt64) -> Int32 {
        let place = find(hash, now: now)
        if place >= 0 { self[place].held += 1 }
        return place
    }

    /// A run that had left is held again: it is counted with those that are. -1 when its session is
    /// forgotten.
    mutating func rejoin(_ hash: UInt64, _ state: WorkflowState, now: UInt64) -> Int32 {
        guard let place = withdraw(hash, state) else { return -1 }
        self[place].held += 1
        self[place].lastHeard = now
        return place
    }

    /// Takes back that a run that has left was counted; what it used stays. Answers its session, if
    /// that is remembered.
    @discardableResult
    mutating func withdraw(_ hash: UInt64, _ state: WorkflowState) -> Int32? {
        guard hash != 0, let place = known(hash), self[place].workflows > 0 else { return nil }
        self[place].workflows &-= 1
        if state == .failed, self[place].failed > 0 { self[place].failed &-= 1 }
        return place
    }

    /// Adds what no run tells.
    mutating func spend(_ fact: AgentFact, _ tokens: UInt64, now: UInt64) {
        guard fact.session != 0 else { return }
        let place = find(fact.session, now: now)
        guard place >= 0 else { return }
        self[place].note(fact, now: now)
        self[place].tokens = self[place].tokens.addingUpTo(tokens)
        guard fact.cost.isFinite else { return }
        self[place].cost += fact.cost
        self[place].hasCost = true
    }

    /// A session, known or new; -1 when there is no room.
    private mutating func find(_ hash: UInt64, now: UInt64) -> Int32 {
        if let known = known(hash) { return known }
        sequence += 1
        var record = SessionRecord()
        record.hash = hash
        record.sequence = sequence
        record.firstHeard = now
        record.lastHeard = now
        let place: Int32
        if free.isEmpty, records.count >= limit { forgetOne() }
        if let reused = free.popLast() {
            place = reused
            records[Int(place)] = record
        } else if records.count < limit {
            place = Int32(records.count)
            records.append(record)
        } else {
            return -1
        }
        index.insert(SlotIndex.hash(hash, hash), place)
        return place
    }

    private func known(_ hash: UInt64) -> Int32? {
        index.find(SlotIndex.hash(hash, hash)) { records[Int($0)].hash == hash }
    }

    /// Takes over what is to be remembered of a run that is held no longer: of one that is none only
    /// what it used.
    mutating func leave(_ place: Int32, _ workflow: WorkflowRecord) {
        guard place >= 0 else { return }
        self[place].held -= 1
        if !workflow.isWithdrawn {
            self[place].workflows &+= 1
            if workflow.state == .failed { self[place].failed &+= 1 }
        }
        self[place].start = min(self[place].start, workflow.start)
        self[place].end = max(self[place].end, workflow.end)
        self[place].tokens = self[place].tokens.addingUpTo(workflow.tokens)
        if workflow.hasCost {
            self[place].cost += workflow.cost
            self[place].hasCost = true
        }
    }

    /// A session that no held run belongs to, found by going round, so that old ones go first.
    private mutating func forgetOne() {
        for _ in 0..<records.count {
            hand = hand + 1 < records.count ? hand + 1 : 0
            let record = records[hand]
            guard record.hash != 0, record.held <= 0 else { continue }
            index.remove(SlotIndex.hash(record.hash, record.hash), Int32(hand))
            records[hand] = SessionRecord()
            free.append(Int32(hand))
            forgotten += 1
            return
        }
    }
}
