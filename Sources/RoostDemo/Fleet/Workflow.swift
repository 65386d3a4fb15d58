/// The kinds of work the fleet is given.
enum Workflow: String, Sendable, CaseIterable {
    /// Plan, research side by side, code, review with rework, approval by a person.
    case featureRequest = "feature_request"
    /// Research, code, review.
    case bugTriage = "bug_triage"
    /// Plan, much research side by side, a person reads it.
    case researchReport = "research_report"
    /// Code and review, short.
    case dependencyUpdate = "dependency_update"

    static let all: [(Workflow, weight: Double)] = [
        (.featureRequest, 0.3), (.bugTriage, 0.35), (.researchReport, 0.2),
        (.dependencyUpdate, 0.15),
    ]
}

extension Script {
    /// The script of workflow `number` of the fleet with this seed.
    static func make(seed: UInt64, number: UInt64) -> Script {
        var recorder = Recorder(seed: seed, number: number)
        recorder.playWorkflow(number: number)
        return recorder.script()
    }
}

/// A workflow on its way: its own span, where its next phase begins, and what went wrong.
private struct Progress {
    var root: FleetSpan
    var now: Int64
    var turn: Int
    /// The span of the agent run that the next one builds on.
    var last: UInt64 = 0
    var errorType: String?
}

extension Recorder {
    fileprivate mutating func playWorkflow(number: UInt64) {
        var root = begin(
            "invoke_workflow \(workflow)", kind: .internal, scope: .model,
            process: Fleet.process(.orchestrator), parent: 0, at: 0,
            [
                Key.operation: "invoke_workflow",
                Key.workflow: .string(workflow),
                Key.conversation: .string(conversation),
                "user.id": .string("user-\(random.int(1...40))"),
            ])
        root.account = .workflow
        log(
            .info, "workflow \(workflow) started", in: root, at: 0,
            [Key.workflow: .string(workflow)])
        var progress = Progress(root: root, now: nanoseconds(0.003), turn: Int(number % 6))
        switch Workflow(rawValue: workflow) ?? .bugTriage {
        case .featureRequest: playFeatureRequest(&progress)
        case .bugTriage: playBugTriage(&progress)
        case .researchReport: playResearchReport(&progress)
        case .dependencyUpdate: playDependencyUpdate(&progress)
        }
        close(&progress)
    }

    private mutating func playFeatureRequest(_ progress: inout Progress) {
        phase(.planner, &progress)
        phase(.researcher, count: random.int(2...3), &progress)
        phase(.coder, count: random.int(1...2), &progress)
        review(&progress)
        waitForPerson(&progress)
    }

    private mutating func playBugTriage(_ progress: inout Progress) {
        phase(.researcher, count: random.int(1...2), &progress)
        phase(.coder, &progress)
        review(&progress)
    }

    private mutating func playResearchReport(_ progress: inout Progress) {
        phase(.planner, &progress)
        phase(.researcher, count: random.int(3...5), &progress)
        phase(.planner, &progress)
        waitForPerson(&progress)
    }

    private mutating func playDependencyUpdate(_ progress: inout Progress) {
        phase(.coder, &progress)
        review(&progress)
    }

    /// Agents of one kind, all at once; the phase is over when the last one is.
    private mutating func phase(
        _ profile: AgentProfile, count: Int = 1, _ progress: inout Progress
    ) {
        guard progress.errorType == nil else { return }
        var end = progress.now
        let buildsOn = progress.last
        for index in 0..<count {
            let result = run(
                AgentTask(
                    profile: profile, turn: progress.turn + index, parent: progress.root.id,
                    caller: progress.root.process, buildsOn: buildsOn),
                at: progress.now + nanoseconds(0.002 * Double(index)))
            end = max(end, result.end)
            progress.last = result.span
            // One researcher of several may fail without the workflow failing.
            if count == 1 || index == 0 { progress.errorType = result.errorType }
        }
        progress.turn += count
        progress.now = end + nanoseconds(random.real(0.002...0.01))
    }

    /// A review, and up to two rounds of rework when changes are asked for.
    private mutating func review(_ progress: inout Progress) {
        for round in 1...3 {
            phase(.reviewer, &progress)
            guard progress.errorType == nil else { return }
            let accepted = round == 3 || random.chance(0.7)
            let score = accepted ? random.real(0.75...1) : random.real(0.2...0.7)
            log(
                .info, accepted ? "review passed" : "changes requested", in: progress.root,
                at: progress.now, event: "gen_ai.evaluation.result",
                [
                    "gen_ai.evaluation.name": "review",
                    "gen_ai.evaluation.score.value": .double(score),
                    "gen_ai.evaluation.score.label": accepted ? "pass" : "fail",
                ])
            if accepted { return }
            phase(.coder, &progress)
        }
    }

    /// The work stands still until somebody has looked at it.
    private mutating func waitForPerson(_ progress: inout Progress) {
        guard progress.errorType == nil else { return }
        var wait = begin(
            "wait_for_approval", kind: .internal, scope: .fleet, process: progress.root.process,
            parent: progress.root.id, at: progress.now, ["wait.reason": "human"])
        let end = progress.now + nanoseconds(min(random.logNormal(median: 9, sigma: 0.8), 75))
        let approved = random.chance(0.96)
        wait.attributes["approval.granted"] = .bool(approved)
        log(
            .info, approved ? "approved by a person" : "rejected by a person", in: wait, at: end)
        if !approved { progress.errorType = "ApprovalDenied" }
        finish(wait, at: end)
        progress.now = end + nanoseconds(0.002)
    }

    private mutating func close(_ progress: inout Progress) {
        var root = progress.root
        if let errorType = progress.errorType {
            root.fail(errorType, "workflow \(workflow) failed: \(errorType)", at: progress.now)
            log(
                .error, "workflow \(workflow) failed: \(errorType)", in: root, at: progress.now,
                [Key.workflow: .string(workflow), Key.errorType: .string(errorType)])
        } else {
            root.status = .ok
            log(
                .info, "workflow \(workflow) finished", in: root, at: progress.now,
                [Key.workflow: .string(workflow)])
        }
        finish(root, at: progress.now)
    }
}
