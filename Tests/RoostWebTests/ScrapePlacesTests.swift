import RoostCore
import Testing

@testable import RoostWeb

@Suite struct ScrapePlacesTests {
    private static let second: UInt64 = 1_000_000_000

    /// A room of three pages of 100 bytes: one is set aside, the others may be had from a quarter of
    /// the budget.
    private final class Rig {
        let budget = MemoryBudget(limitBytes: 1200)
        let places: ScrapePlaces
        /// Those that are being read, by name.
        var pages: [String: ScrapePlaces.Place] = [:]
        var broken: [String] = []

        init() {
            let room = AnswerRoom(budget: budget, name: "pages", fraction: 12)
            places = ScrapePlaces(room: room)
        }

        /// Whether the page shows the present moment; nil when there is no room.
        func enter(_ name: String, of peer: String = "", copy: Int = 0, now: UInt64) -> Bool? {
            let entrance = places.enter(
                bytes: 100, copyBytes: copy, peer: peer, now: now
            ) { [unowned self] in
                broken.append(name)
                pages[name] = nil
            }
            pages[name] = entrance?.place
            entrance?.place.waitForReader(now: now)
            return entrance?.isFresh
        }
    }

    @Test func `a page has room for as long as somebody holds it`() {
        let rig = Rig()
        for name in ["a", "b", "c"] { #expect(rig.enter(name, now: 0) == true) }
        #expect(rig.budget.usedBytes == 300)
        #expect(rig.enter("d", now: 0) == nil)
        rig.pages["b"] = nil
        #expect(rig.enter("d", now: 0) == true && rig.broken.isEmpty)
        rig.pages = [:]
        #expect(rig.budget.usedBytes == 100)
    }

    @Test func `the page whose reader has taken nothing for longest makes room`() {
        let rig = Rig()
        for name in ["a", "b", "c"] { _ = rig.enter(name, now: 0) }
        rig.pages["a"]?.readerWaits()
        rig.pages["a"]?.waitForReader(now: 100)
        rig.pages["b"]?.readerWaits()
        #expect(rig.enter("d", now: ScrapePlaces.patience - 1) == nil)
        #expect(rig.enter("d", now: ScrapePlaces.patience) == true && rig.broken == ["c"])
        rig.pages["d"]?.readerWaits()
        #expect(rig.enter("e", now: ScrapePlaces.patience + 99) == nil)
        #expect(rig.enter("e", now: ScrapePlaces.patience + 100) == true)
        #expect(rig.broken == ["c", "a"])
    }

    @Test func `a page that is read for too long makes room, one that nobody needs does not`() {
        let rig = Rig()
        for name in ["a", "b"] { _ = rig.enter(name, now: 0) }
        for page in rig.pages.values { page.readerWaits() }
        #expect(rig.enter("c", now: ScrapePlaces.longest) == true && rig.broken.isEmpty)
        #expect(rig.enter("d", now: ScrapePlaces.longest) == true && rig.broken.count == 1)
    }

    @Test func `who has the fewest pages is next, among these who came last`() {
        let rig = Rig()
        _ = rig.enter("a", of: "many", now: 0)
        _ = rig.enter("b", of: "many", now: 0)
        _ = rig.enter("c", of: "one", now: 0)
        #expect(rig.places.pages(of: "many") == 2 && rig.places.pages(of: "none") == 0)
        #expect(rig.places.next(of: ["many", "one", "many", "many"]) == 1)
        #expect(rig.places.next(of: ["none", "many", "one", "none", "many"]) == 3)
        rig.pages["c"] = nil
        rig.pages["b"] = nil
        #expect(rig.places.next(of: ["one", "one", "many"]) == 1)
        #expect(rig.places.next(of: []) == nil)
    }

    @Test func `a moment that is passed while a page shows it is paid for`() {
        let rig = Rig()
        #expect(rig.enter("a", copy: 50, now: 0) == true && rig.budget.usedBytes == 100)
        #expect(rig.enter("b", copy: 50, now: 0) == true)
        #expect(rig.budget.usedBytes == 250)
        // The page in the place that is set aside ends: so does the copy of its moment.
        rig.pages["a"] = nil
        #expect(rig.budget.usedBytes == 200)
    }

    @Test func `without room for a copy a page shows the moment of the one before`() {
        let rig = Rig()
        _ = rig.enter("a", now: 0)
        rig.pages["a"]?.readerWaits()
        #expect(rig.enter("b", copy: 150, now: 10) == false)
        #expect(rig.enter("c", copy: 150, now: 20) == false && rig.broken.isEmpty)
        rig.pages["a"] = nil
        rig.pages["b"] = nil
        rig.pages["c"] = nil
        #expect(rig.enter("d", copy: 150, now: 30) == true)
    }

    @Test func `slow readers do not keep figures old`() {
        let rig = Rig()
        _ = rig.enter("a", now: 0)
        #expect(rig.enter("b", copy: 900, now: ScrapePlaces.shared - 1) == false)
        #expect(rig.enter("c", copy: 900, now: ScrapePlaces.shared + ScrapePlaces.patience) == true)
        #expect(rig.broken == ["a", "b"])
    }
}
