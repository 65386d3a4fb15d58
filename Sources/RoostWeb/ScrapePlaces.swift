import RoostCollector
import RoostCore
import Synchronization

/// Pays for the pages of scrapers, each from before it is begun until its reader has it.
///
/// A page that nobody reads gives its place to the next scraper, so that Prometheus gets its own
/// however many others ask and take nothing. Confined to the web loop.
///
///     enter ──▶ place ──(its reader has all, or is gone)──▶ given back
///                 └──(somebody needs it, and its reader is slow)──▶ broken off, given back
final class ScrapePlaces {
    /// A page may be broken off when its reader has taken nothing for so long, and another page has
    /// no room.
    static let patience: UInt64 = 2_000_000_000
    /// The same for one that is not read to its end after so long.
    static let longest: UInt64 = 10_000_000_000
    /// So old the figures of a page may be that shares them with an older one for want of memory.
    static let shared: UInt64 = 1_000_000_000

    /// What the loops had counted at a moment. Pages of one moment share it; it is copied when the
    /// loops count on, and that copy belongs to the collector as long as no later moment is shown.
    final class Moment: Sendable {
        fileprivate let began: UInt64
        private let lease = Mutex<AnswerRoom.Lease?>(nil)

        fileprivate init(began: UInt64) { self.began = began }

        fileprivate var isPaid: Bool { lease.withLock { $0 != nil } }
        fileprivate func pay(_ paid: AnswerRoom.Lease) { lease.withLock { $0 = paid } }
    }

    /// Room for one page, until this is let go of.
    final class Place: Sendable {
        private let lease: AnswerRoom.Lease
        fileprivate let moment: Moment
        fileprivate let began: UInt64
        /// When its reader began to keep it waiting; `.max` while it waits for us.
        private let waitsSince = Atomic<UInt64>(.max)

        fileprivate init(_ lease: AnswerRoom.Lease, _ moment: Moment, began: UInt64) {
            self.lease = lease
            self.moment = moment
            self.began = began
        }

        /// Now it is for the reader to take what there is.
        func waitForReader(now: UInt64) { waitsSince.store(now, ordering: .relaxed) }

        /// The reader has taken everything and wants more.
        func readerWaits() { waitsSince.store(.max, ordering: .relaxed) }

        /// Makes it larger; false when there is no room.
        func grow(to bytes: Int) -> Bool { lease.grow(to: bytes) }

        /// Since when the reader has been too slow; nil when it is not.
        fileprivate func slowSince(_ now: UInt64) -> UInt64? {
            let since = waitsSince.load(ordering: .relaxed)
            if since <= now, now - since >= ScrapePlaces.patience { return since }
            return now &- began >= ScrapePlaces.longest ? now : nil
        }
    }

    private struct Entry {
        weak var place: Place?
        let peer: String
        let breakOff: () -> Void
    }

    private let room: AnswerRoom
    private var entries: [Entry] = []
    private var latest: Moment?

    init(room: AnswerRoom) { self.room = room }

    /// Room for a page of `bytes`, and whether it may show the present moment, else it shows that of
    /// the page before; nil when there is no room. `copyBytes` is what a moment takes that is no
    /// longer the latest; `peer` is who reads the page. `breakOff` has the page let go of its place.
    func enter(
        bytes: Int, copyBytes: Int, peer: String, now: UInt64, breakOff: @escaping () -> Void
    ) -> (place: Place, isFresh: Bool)? {
        entries.removeAll { $0.place == nil }
        guard let lease = lease(bytes, now, from: { _ in true }) else { return nil }
        let isFresh = canPass(latest, copyBytes, now)
        let moment = latest.flatMap { isFresh ? nil : $0 } ?? Moment(began: now)
        latest = moment
        let place = Place(lease, moment, began: now)
        entries.append(Entry(place: place, peer: peer, breakOff: breakOff))
        return (place, isFresh)
    }

    /// How many pages a peer is reading.
    func pages(of peer: String) -> Int {
        entries.reduce(0) { $0 + ($1.peer == peer && $1.place != nil ? 1 : 0) }
    }

    /// Which of those that wait is next, given in the order in which they came: whose peer has the
    /// fewest pages. Among these who came last: those who ask for many at once came before.
    func next(of peers: some BidirectionalCollection<String>) -> Int? {
        var pages: [String: Int] = [:]
        for entry in entries where entry.place != nil { pages[entry.peer, default: 0] += 1 }
        return zip((0..<peers.count).reversed(), peers.reversed().map { pages[$0] ?? 0 })
            .min { $0.1 < $1.1 }?.0
    }

    /// Whether a later moment than `moment` may be shown: nobody shows it, or its copy is paid for.
    private func canPass(_ moment: Moment?, _ bytes: Int, _ now: UInt64) -> Bool {
        guard let moment, !moment.isPaid, isShown(moment) else { return true }
        let isOld = now &- moment.began >= Self.shared
        let paid = lease(bytes, now) { isOld && $0.moment === moment }
        guard isShown(moment) else { return true }
        guard let paid else { return false }
        moment.pay(paid)
        return true
    }

    private func isShown(_ moment: Moment) -> Bool {
        entries.contains { $0.place?.moment === moment }
    }

    /// Breaks off pages whose readers are slow, the slowest first, until there is room.
    private func lease(
        _ bytes: Int, _ now: UInt64, from mayBreak: (Place) -> Bool
    ) -> AnswerRoom.Lease? {
        while true {
            if let lease = room.lease(bytes) { return lease }
            guard let index = slowest(now, mayBreak) else { return nil }
            entries.remove(at: index).breakOff()
        }
    }

    private func slowest(_ now: UInt64, _ mayBreak: (Place) -> Bool) -> Int? {
        var found: (index: Int, since: UInt64)?
        for (index, entry) in entries.enumerated() {
            guard let place = entry.place, mayBreak(place), let since = place.slowSince(now),
                since < found?.since ?? .max
            else { continue }
            found = (index, since)
        }
        return found?.index
    }
}
