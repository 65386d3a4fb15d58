public import RoostCore
import RoostWire
import Synchronization

/// The metrics that applications send, as Prometheus families.
///
///     request ─▶ family, by exposed name ─▶ stripe, by job and instance ─▶ stream ─▶ series
///
/// A stream is one OTLP stream: resource, scope, metric and attributes. A series is what the page
/// shows under one set of labels; mostly it has one stream. Where several applications cannot be
/// told apart by their labels, their counters and histograms add up, and of gauges and summaries
/// the latest shows. Alone in its series, a counter that began again shows the new count, as it
/// would if the application were scraped.
///
/// Time comes in as nanoseconds of any clock, the same one for `ingest` and `expire`. Any thread;
/// the lock of a stripe is held for one point, or for one slice of a page.
public final class SeriesStore: Sendable, ExpositionSource {
    let limits: SeriesLimits
    let keys = FingerprintKeys()
    let isReserved: @Sendable (String) -> Bool
    let table = Mutex(FamilyTable())
    let contexts = Mutex(ContextTable())
    private let totals = Mutex(SeriesCounts())

    /// `reservedNames` tells the family names that Roost has itself, as text 0.0.4 calls them.
    public init(
        settings: SeriesSettings = SeriesSettings(),
        reservedNames: @escaping @Sendable (String) -> Bool = { _ in false }
    ) {
        limits = SeriesLimits(settings)
        isReserved = reservedNames
    }

    /// Puts the points of a metrics request into their series.
    ///
    /// The request has been read before; what that refused is left out here too. Nothing is taken
    /// from a request that cannot be decoded, except what stood before the damage.
    public func ingest(_ body: ByteBlock, now: UInt64) {
        unsafe body.withBytes { unsafe ingest($0, now: now) }
    }

    /// The same for bytes lent by the caller.
    public func ingest(_ body: UnsafeRawBufferPointer, now: UInt64) {
        var visitor = SeriesVisitor(self, now: now)
        var rejections = Rejections()
        _ = unsafe try? readMetrics(body, visitor: &visitor, rejections: &rejections)
        add(visitor.finish())
    }

    /// Ends the series of which nothing has been heard for longer than the settings allow.
    public func expire(now: UInt64) {
        let limit = limits.expiry.load(ordering: .relaxed)
        let now = tenths(now)
        var ended = 0
        for family in table.withLock({ $0.sorted() }) {
            let limit = family.isEnding.load(ordering: .relaxed) ? 0 : limit
            let keepsOverflow = limit != .max && family.keepsOverflow(now: now, limit: limit)
            for stripe in family.stripes {
                ended += stripe.state.withLock { state in
                    let count =
                        limit == .max
                        ? 0
                        : state.expire(
                            now: now, limit: limit, keepsOverflow: keepsOverflow,
                            room: family.room)
                    state.settleAccount(family.room)
                    return count
                }
            }
        }
        if limit != .max { contexts.withLock { $0.expire(now: now, limit: limit) } }
        removeUnusedFamilies()
        var counts = SeriesCounts()
        counts.add(.expired, ended)
        add(counts)
    }

    /// New limits, from now on; series above a lower limit stay until they expire.
    public func update(seriesPerMetric: Int, expiry: Duration?) {
        limits.update(seriesPerMetric: seriesPerMetric, expiry: expiry)
    }

    /// To be called when `reservedNames` has come to answer something else: series whose names are
    /// taken now are not shown any more.
    public func reservedNamesChanged() { table.withLock { $0.noteReserved(isReserved) } }

    // MARK: self metrics

    /// Since start: points by the reason why they do not show, and what happened to others.
    public var counts: SeriesCounts { totals.withLock { $0 } }

    /// Points that were accepted and do not show, by reason, in a fixed order.
    public var unexposedPoints: [(reason: String, points: UInt64)] {
        let counts = counts
        return UnexposedReason.allCases.map { ($0.name, UInt64(clamping: counts[$0])) }
    }

    /// What happened to points since start, as counters for the page of Roost itself.
    public var counters: [(name: String, help: String, value: UInt64)] {
        let counts = counts
        return SeriesEvent.allCases.map {
            ($0.counterName, $0.help, UInt64(clamping: counts[$0]))
        }
    }

    /// Series on the page now, without overflow series and `target_info`.
    public var seriesCount: Int { limits.seriesCount.load(ordering: .relaxed) }

    /// Bytes that the series hold, as reserved in the budget.
    public var heldBytes: Int { limits.heldBytes.load(ordering: .relaxed) }

    /// Whether the page has a family of this name, as text 0.0.4 calls it.
    public func hasFamily(_ name: String) -> Bool {
        table.withLock { $0.family(named: name) != nil }
    }

    public func makePass() -> any ExpositionPass {
        SeriesPass(
            targets: contexts.withLock { $0.targetTexts },
            families: table.withLock { $0.sorted() }.filter {
                !$0.isEnding.load(ordering: .relaxed)
            })
    }

    // MARK: private

    private func add(_ counts: SeriesCounts) { totals.withLock { $0.add(counts) } }

    /// A family that some request holds stays, so that no point goes where no page looks.
    private func removeUnusedFamilies() {
        table.withLock { table in
            table.remove { family in
                family.users.load(ordering: .acquiring) == 0
                    && family.stripes.allSatisfy { stripe in stripe.state.withLock { $0.isEmpty } }
            }
        }
    }
}
