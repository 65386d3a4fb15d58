import RoostCore
import Testing

@testable import RoostAudit

@Suite struct AuditSummaryTests {
    private func trail(_ folder: TrailFolder, recentBytes: Int = 4 << 20) throws -> AuditTrail {
        var settings = folder.settings
        settings.recentBytes = recentBytes
        settings.fileBytes = 3000
        let trail = try AuditTrail.open(settings)
        trail.appendAll(
            (0..<60).map { index in
                act(
                    index % 2 == 0 ? "read" : "write",
                    index % 3 == 0 ? "denied" : index % 5 == 0 ? "failure" : "success",
                    agent: "a\"\(index % 2)", user: index < 20 ? "ada" : nil)
            }, together: false)
        return trail
    }

    @Test(arguments: [4 << 20, 1])
    func `adds up by action, user, agent and time`(_ memory: Int) throws {
        let folder = try TrailFolder()
        let before = unixNanoseconds()
        let trail = try trail(folder, recentBytes: memory)
        defer { trail.end() }
        var query = AuditQuery()
        query.user = nil
        let summary = try trail.summary(
            query, since: before - 1, until: unixNanoseconds() + 1, slots: 10)
        let seals = summary.pairs[AuditCounts.Pair(action: "audit.seal", result: "success")] ?? 0
        #expect(summary.isComplete && seals > 3)
        #expect(summary.all.records == 60 + seals)
        #expect(summary.all.denied == 20 && summary.all.failed == 8)
        #expect(summary.pairs[AuditCounts.Pair(action: "read", result: "denied")] == 10)
        #expect(summary.users.keys.sorted() == ["ada"] && summary.users["ada"]?.records == 20)
        #expect(summary.agents.keys.sorted() == ["a\"0", "a\"1"])
        #expect(summary.agents["a\"0"]?.denied == 10)
        #expect(summary.slots.count == 10)
        #expect(summary.slots.reduce(0) { $0 + $1.records } == summary.all.records)
        query.user = "ada"
        query.result = "denied"
        let few = try trail.summary(
            query, since: before - 1, until: unixNanoseconds() + 1, slots: 1)
        #expect(few.all.records == 7 && few.all.denied == 7)
        let none = try trail.summary(query, since: 1, until: before - 1, slots: 3)
        #expect(none.all.records == 0 && none.isComplete)
    }

    @Test func `names are bytes: those that look alike are told apart`() throws {
        let folder = try TrailFolder()
        let before = unixNanoseconds()
        let trail = try AuditTrail.open(folder.settings)
        defer { trail.end() }
        let names = ["caf\u{E9}", "cafe\u{301}"]
        trail.appendAll(
            names.map { act("read", "success", agent: $0, user: $0) }, together: false)
        let summary = try trail.summary(
            AuditQuery(), since: before - 1, until: unixNanoseconds() + 1, slots: 1)
        for name in names {
            #expect(summary.users[ExactText(name)]?.records == 1)
            #expect(summary.agents[ExactText(name)]?.records == 1)
            #expect(trail.status.counts.agents[ExactText(name)] == 1)
        }
        #expect(trail.status.activeUsers == 2 && trail.status.activeAgents == 2)
        let pairs = names.map { AuditCounts.Pair(action: $0, result: "success") }
        #expect(Set(pairs).count == 2)
    }

    @Test func `says where it gave up reading`() throws {
        let folder = try TrailFolder()
        var settings = folder.settings
        settings.recentBytes = 1
        settings.fileBytes = 3000
        settings.bytesPerQuery = 6000
        let trail = try AuditTrail.open(settings)
        defer { trail.end() }
        trail.appendAll(acts(100), together: false)
        let summary = try trail.summary(
            AuditQuery(), since: 1, until: unixNanoseconds(), slots: 1)
        #expect(!summary.isComplete && summary.since > 1)
        #expect(summary.all.records > 10 && summary.all.records < 60)
    }

    @Test func `knows who was there within the last hour, after a restart too`() throws {
        let folder = try TrailFolder()
        let first = try trail(folder)
        #expect(first.status.activeUsers == 1 && first.status.activeAgents == 2)
        #expect(first.status.counts.agents["a\"1"] == 30)
        first.end()
        let again = try AuditTrail.open(folder.settings)
        #expect(again.status.activeAgents == 2)
        again.end()
        var names = RecentNames()
        names.see("a", at: 1)
        names.see("b", at: 3_600_000_000_000)
        names.see(nil, at: 3_600_000_000_000)
        #expect(names.count(3_600_000_000_001) == 2)
        #expect(names.count(3_600_000_000_002) == 1)
    }
}
