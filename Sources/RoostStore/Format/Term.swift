import RoostAnalytics

/// What a trace can be found by, as a number that is the same in every process.
///
/// The hash of a sort and a text, FNV-1a with its bits mixed at the end. Two terms that share a
/// number only make the search look at a trace more: what it shows has been compared.
struct Term: Hashable, Comparable {
    let hash: UInt64

    enum Sort: UInt8 {
        case service = 1
        case operation, workflow, agent, session, status
    }

    init(hash: UInt64) { self.hash = hash }

    init(_ sort: Sort, _ text: String) {
        var state = TermHash(sort)
        for byte in text.utf8 { state.add(byte) }
        hash = state.value
    }

    /// Of names as they are listed.
    init(operation name: String, of service: String) {
        var state = TermHash(.operation)
        for byte in service.utf8 { state.add(byte) }
        state.add(0)
        for byte in name.utf8 { state.add(byte) }
        hash = state.value
    }

    static func < (one: Term, other: Term) -> Bool { one.hash < other.hash }

    /// Every term of a summary; operations are not in it.
    static func terms(of summary: TraceSummary) -> [Term] {
        var terms = summary.services.map { Term(.service, $0) }
        if summary.services.isEmpty, !summary.service.isEmpty {
            terms.append(Term(.service, summary.service))
        }
        if !summary.workflow.isEmpty { terms.append(Term(.workflow, summary.workflow)) }
        for agent in summary.agents { terms.append(Term(.agent, agent)) }
        if !summary.session.isEmpty { terms.append(Term(.session, summary.session)) }
        terms.append(Term(.status, summary.status.rawValue))
        // It may have come to that when somebody looks.
        if summary.status == .running { terms.append(Term(.status, summary.outcome.rawValue)) }
        return terms
    }
}

/// The hash of a term, byte by byte.
struct TermHash {
    private var state: UInt64 = 0xCBF2_9CE4_8422_2325

    init(_ sort: Term.Sort) { add(sort.rawValue) }

    @inline(__always)
    mutating func add(_ byte: UInt8) {
        state = (state ^ UInt64(byte)) &* 0x100_0000_01B3
    }

    var value: UInt64 {
        var mixed = (state ^ state >> 32) &* 0xD6E8_FEB8_6659_FD93
        mixed = (mixed ^ mixed >> 32) &* 0xD6E8_FEB8_6659_FD93
        return mixed ^ mixed >> 32
    }
}
