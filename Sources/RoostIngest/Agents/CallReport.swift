/// What one report of a call to a model says, as far as it shows whether another report with the same
/// id of an answer tells the same call.
///
/// The id alone does not: some servers count theirs from 0 to 998, and a cache answers with the id of
/// the answer that it keeps. Times and tokens are kept so coarsely that a report takes 24 bytes.
package struct CallReport: Sendable {
    /// Who tells what the call used. Of all that is known of a call the least holds.
    enum Usage: Comparable {
        /// A report of it.
        case told
        /// Nobody but an agent above it, in an account of its own.
        case accounted
        /// Nobody yet; the way up is not known, and may lead to such an agent.
        case unknown
        /// Nobody.
        case missing
    }

    /// Of service and id of the answer; 0 is none.
    package private(set) var id: UInt64 = 0
    private var trace: UInt32 = 0
    /// In units of 2^26 nanoseconds of Unix time, which start again every nine years.
    private var end: UInt32 = 0
    private var length: UInt16 = 0
    /// Of the numbers that `ToldAccount` has.
    private var read: UInt8 = 0
    private var fresh: UInt8 = 0
    private var written: UInt8 = 0
    private var visible: UInt8 = 0
    var usage = Usage.missing

    /// Stands for none.
    static let free = CallReport()
    private static let unitBits: UInt64 = 26
    /// In units. Reports of one call that tell the same of its tokens lie no further apart.
    private static let tolerance = Int32(ToldEvents.tolerance >> unitBits) + 1
    /// In units. Reports whose beginnings and ends differ by no more tell one call, however each
    /// counted its tokens.
    private static let moment: UInt32 = 3

    private init() {}

    /// `start` and `end` in Unix nanoseconds; `trace` is a hash.
    init(
        id: UInt64, trace: UInt64, start: UInt64, end: UInt64, tokens: ActivityTokens, usage: Usage
    ) {
        self.id = id
        self.trace = UInt32(truncatingIfNeeded: trace)
        self.end = UInt32(truncatingIfNeeded: end >> Self.unitBits)
        let units = (end >> Self.unitBits) &- (min(start, end) >> Self.unitBits)
        length = UInt16(clamping: units)
        read = Self.mark(tokens.input &+ tokens.cacheRead &+ tokens.cacheWrite)
        fresh = Self.mark(tokens.input)
        written = Self.mark(tokens.output &+ tokens.reasoning)
        visible = Self.mark(tokens.output)
        self.usage = usage
    }

    /// One of several reports in one trace, where nobody asks who tells what the call used.
    package init(of activity: Activity, id: UInt64) {
        self.init(
            id: id, trace: 0, start: activity.start, end: activity.end, tokens: activity.tokens,
            usage: .missing)
    }

    /// Both lie in one trace.
    func isBeside(_ other: CallReport) -> Bool { trace == other.trace }

    /// Whether both tell one call: they have its id, tell of the same time, and count the same
    /// tokens, unless they begin and end together. An answer that is fetched later in the same trace
    /// brings tokens to a report without.
    package func tellsSame(as other: CallReport) -> Bool {
        guard id == other.id else { return false }
        guard isNear(other) || isBeside(other) && hasTokens != other.hasTokens else { return false }
        return !contradicts(other) || isSimultaneous(other)
    }

    private func isNear(_ other: CallReport) -> Bool {
        Self.distance(end, other.start) <= Self.tolerance
            && Self.distance(other.end, start) <= Self.tolerance
    }

    private func isSimultaneous(_ other: CallReport) -> Bool {
        Self.distance(end, other.end).magnitude <= Self.moment
            && Self.distance(start, other.start).magnitude <= Self.moment
    }

    /// As `ToldAccount.contradicts`, but for one number of 255 that is taken for another.
    private func contradicts(_ other: CallReport) -> Bool {
        guard hasTokens, other.hasTokens else { return false }
        let isSameRead = read == other.read || fresh == other.fresh
        return !isSameRead || written != other.written && visible != other.visible
    }

    /// Takes in what another report of the same call says. Of two that lie apart the time of the one
    /// with tokens holds: the time in between may be that of other calls.
    package mutating func join(_ other: CallReport) {
        if isNear(other) {
            let first = Self.distance(start, other.start) < 0 ? other.start : start
            if Self.distance(end, other.end) > 0 { end = other.end }
            length = UInt16(clamping: end &- first)
        } else if other.hasTokens {
            (end, length) = (other.end, other.length)
        }
        if other.hasTokens {
            (read, fresh, written, visible) =
                (other.read, other.fresh, other.written, other.visible)
        }
    }

    private var start: UInt32 { end &- UInt32(length) }
    private var hasTokens: Bool { read | written != 0 }

    /// How far the second lies behind the first, in units.
    private static func distance(_ first: UInt32, _ second: UInt32) -> Int32 {
        Int32(bitPattern: second &- first)
    }

    /// 0 for 0 alone.
    private static func mark(_ count: UInt64) -> UInt8 {
        count == 0 ? 0 : UInt8((count &* 0x9E37_79B9_7F4A_7C15) >> 40 % 255) + 1
    }
}
