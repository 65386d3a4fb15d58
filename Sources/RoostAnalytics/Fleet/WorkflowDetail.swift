/// One run with everything in it that is held.
public struct WorkflowDetail: Sendable {
    public struct Execution: Sendable {
        /// From 1 on, by start.
        public let order: Int
        public let agent: String
        public let state: StepState
        /// 0 when its own span has not come.
        public let spanID: UInt64
        /// The `order` of the agent's run that it stands in.
        public let parent: Int?
        /// Unix nanoseconds by the sender's clock; `end` is 0 while it is not over.
        public let start: UInt64
        public let end: UInt64
        /// Nanoseconds, those of people within.
        public let duration: UInt64
        public let humanWait: UInt64
        public let calls: Int
        public let toolCalls: Int
        public let errors: Int
        public let tokens: UInt64
        /// USD; nil when unknown.
        public let cost: Double?
    }

    /// How long two runs of agents, neither within the other, went on at the same time.
    public struct Overlap: Sendable {
        /// `order` of both.
        public let first: Int
        public let second: Int
        /// Nanoseconds.
        public let time: UInt64
    }

    public struct Entry: Sendable {
        public let kind: String
        public let name: String
        public let agent: String
        public let state: StepState
        public let spanID: UInt64
        public let parentSpanID: UInt64
        /// Unix nanoseconds by the sender's clock; `end` is 0 while it is not over.
        public let start: UInt64
        public let end: UInt64
        /// Nanoseconds.
        public let duration: UInt64
        public let tokens: UInt64
        /// USD; nil when unknown.
        public let cost: Double?
        public let errorType: String
        /// The same call failed before.
        public let isRetry: Bool
    }

    public let row: WorkflowRow
    /// The span without parent has ended.
    public let hasRootEnded: Bool
    public let executions: [Execution]
    public let overlaps: [Overlap]
    public let concurrency: RunConcurrency
    public let bottlenecks: [RunBottleneck]
    /// In the order of start.
    public let timeline: [Entry]
    /// Steps from the middle of the run that are not held one by one any more.
    public let folded: Int
}

extension Fleet {
    /// A run by its trace id; nil when none is held.
    public func workflow(
        _ high: UInt64, _ low: UInt64, _ symbols: Symbols, now: UInt64
    ) -> WorkflowDetail? {
        guard let slot = workflows.find(high, low) else { return nil }
        let record = workflows[slot]
        let picture = picture(slot, now: now)
        let concurrency = RunConcurrency(
            picture.leaves.map { (picture.steps[$0].start, picture.steps[$0].end) })
        let row = row(slot, symbols, now: now)
        return WorkflowDetail(
            row: row, hasRootEnded: record.hasRootEnded, executions: executions(picture, symbols),
            overlaps: overlaps(picture), concurrency: concurrency,
            bottlenecks: RunBottleneck.find(
                in: picture, concurrency, duration: row.duration, humanWait: row.humanWait,
                retries: row.retries, symbols),
            timeline: timeline(picture, symbols), folded: Int(record.folded))
    }

    /// The steps of a run in order; what is open lasts until `now`.
    func picture(_ slot: Int32, now: UInt64) -> RunPicture {
        let record = workflows[slot]
        let start = record.start == .max ? 0 : record.start
        let until = record.state.isOpen ? start &+ record.duration(now: now) : record.end
        return RunPicture(steps(of: slot), until: until, isOpen: record.state.isOpen)
    }

    private func steps(of slot: Int32) -> [FleetStep] {
        var found: [FleetStep] = []
        var place = workflows[slot].first
        while place >= 0 {
            found.append(steps[place])
            place = steps[place].newer
        }
        return found
    }

    private func executions(
        _ picture: RunPicture, _ symbols: Symbols
    ) -> [WorkflowDetail.Execution] {
        picture.executions.enumerated().map { number, execution in
            let isOpen = execution.state == .pending || execution.state == .running
            let step = execution.step.map { picture.steps[$0] }
            var tokens = execution.tokens
            var cost = execution.cost
            // What the agent says of itself, where no call below it does.
            if let step, tokens == 0, cost == nil {
                tokens = UInt64(step.tokens)
                cost = step.cost.isFinite ? step.cost : nil
            }
            return WorkflowDetail.Execution(
                order: number + 1, agent: symbols.text(execution.agent), state: execution.state,
                spanID: step?.span ?? 0, parent: execution.parent.map { $0 + 1 },
                start: execution.start, end: isOpen ? 0 : execution.end,
                duration: execution.end.less(execution.start), humanWait: execution.humanWait,
                calls: execution.calls, toolCalls: execution.toolCalls, errors: execution.errors,
                tokens: tokens, cost: cost)
        }
    }

    private func overlaps(_ picture: RunPicture) -> [WorkflowDetail.Overlap] {
        let executions = picture.executions
        var found: [WorkflowDetail.Overlap] = []
        for second in executions.indices {
            for first in 0..<second {
                let start = max(executions[first].start, executions[second].start)
                let end = min(executions[first].end, executions[second].end)
                guard end > start, !stands(second, in: first, executions),
                    !stands(first, in: second, executions)
                else { continue }
                found.append(
                    WorkflowDetail.Overlap(first: first + 1, second: second + 1, time: end &- start)
                )
                if found.count == Self.mostOverlaps { return found }
            }
        }
        return found
    }

    private static let mostOverlaps = 200

    private func stands(_ inner: Int, in outer: Int, _ all: [RunPicture.Execution]) -> Bool {
        var above = all[inner].parent
        var looked = 0
        while let at = above, looked < all.count {
            if at == outer { return true }
            above = all[at].parent
            looked += 1
        }
        return false
    }

    private func timeline(_ picture: RunPicture, _ symbols: Symbols) -> [WorkflowDetail.Entry] {
        picture.steps.enumerated().map { place, step in
            let state: StepState =
                switch step.phase {
                case .announced: .running
                case .lost: .abandoned
                default: step.isError ? .failed : .completed
                }
            return WorkflowDetail.Entry(
                kind: jsonName("\(step.kind)"), name: symbols.text(step.subject),
                agent: symbols.text(step.agent), state: state, spanID: step.span,
                parentSpanID: step.parent, start: step.start,
                end: step.phase == .announced || step.phase == .lost ? 0 : step.end,
                duration: step.duration, tokens: UInt64(step.tokens),
                cost: step.cost.isFinite ? step.cost : nil,
                errorType: symbols.text(step.errorType), isRetry: picture.isRetry(place))
        }
    }
}

extension RunPicture {
    /// Whether the same call failed shortly before.
    func isRetry(_ place: Int) -> Bool {
        let step = steps[place]
        guard step.isCall || step.kind == .tool else { return false }
        for earlier in steps[..<place].reversed() where earlier.isError {
            if earlier.kind == step.kind, earlier.subject == step.subject,
                earlier.agent == step.agent, earlier.end <= step.start,
                step.start.less(earlier.end) <= Fleet.longestPause
            {
                return true
            }
        }
        return false
    }
}
