import Testing

@testable import RoostAnalytics

/// Expected values come from integration by small steps and from counting tables.
@Suite struct LikelihoodTests {
    @Test(arguments: [(0.0, 0.5), (1.96, 0.0249979), (-1, 0.8413447), (5, 2.866516e-7)])
    func `the normal tail`(_ z: Double, _ expected: Double) {
        #expect(near(Likelihood.normalTail(z), expected))
    }

    @Test(arguments: [(2.0, 10.0, 0.0366940), (0, 3, 0.5), (-2, 10, 0.9633060), (6, 198, 4.6e-9)])
    func `the tail of Student's t`(_ t: Double, _ freedom: Double, _ expected: Double) {
        #expect(near(Likelihood.studentTail(t, freedom: freedom), expected, 0.02))
    }

    @Test(arguments: [(0.5, 2.0, 3.0, 0.6875), (0.2, 0.5, 0.5, 0.2951672), (0.9, 20, 2, 0.3647300)])
    func `the incomplete beta function`(
        _ x: Double, _ a: Double, _ b: Double, _ expected: Double
    ) {
        #expect(near(Likelihood.incompleteBeta(x, a, b), expected))
    }

    @Test func `Fisher's exact test counts the tables at least as uneven`() {
        // 3 of 3 against 0 of 3: one table of the 20.
        #expect(near(Likelihood.fisherTail(hits: 3, of: 3, otherHits: 0, of: 3), 0.05))
        #expect(near(Likelihood.fisherTail(hits: 0, of: 10, otherHits: 5, of: 10), 1))
        #expect(near(Likelihood.fisherTail(hits: 8, of: 10, otherHits: 1, of: 9), 0.0044924))
    }

    @Test func `nonsense has an answer`() {
        #expect(Likelihood.studentTail(.nan, freedom: 3) == 0.5)
        #expect(Likelihood.studentTail(1, freedom: -3) == 0.5)
        #expect(Likelihood.shareExceeds(0.5, hits: 3, chances: 2) == 0)
        #expect(Likelihood.incompleteBeta(.nan, 1, 1) == 0)
        #expect(Likelihood.fisherTail(hits: 5, of: 3, otherHits: 0, of: 1) == 1)
    }

    private func near(_ value: Double, _ expected: Double, _ off: Double = 1e-5) -> Bool {
        abs(value - expected) <= off * max(expected, 1e-12)
    }
}
