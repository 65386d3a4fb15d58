import RoostCore

/// What the tracker has found out and nobody has asked for yet; bounded.
struct AgentFactLog: Sendable {
    private(set) var batch = AgentFactBatch()
    private var toldTexts = 1
    private var toldIdentities = RecentSet(limit: 32_768)
    /// Those of the activities before: most come from the same session and user.
    private var latest: (first: UInt64, second: UInt64) = (0, 0)

    /// About 12 MB.
    static let mostFacts = 65_536

    var count: Int { batch.facts.count }

    mutating func add(_ fact: AgentFact) {
        guard batch.facts.count < AgentFactLog.mostFacts else {
            batch.dropped += 1
            return
        }
        batch.facts.append(fact)
    }

    /// The hash that facts call a session or user by, from here on.
    mutating func identity(_ text: ArraySlice<UInt8>) -> UInt64 {
        let known = AgentIdentity.hash(text)
        guard known != 0 else { return 0 }
        if known == latest.first || known == latest.second { return known }
        latest = (known, latest.first)
        if batch.identities.count < AgentFactLog.mostFacts, toldIdentities.insert(known) {
            batch.identities.append(AgentIdentity(hash: known, text: Array(text)))
        }
        return known
    }

    /// Everything since the last time, with the texts that came up since. `room` is an emptied batch
    /// whose room is used again.
    mutating func take(_ texts: [[UInt8]], room: AgentFactBatch) -> AgentFactBatch {
        var taken = room
        swap(&taken, &batch)
        if toldTexts < texts.count {
            taken.newTexts = Array(texts[toldTexts...])
            toldTexts = texts.count
        }
        return taken
    }
}
