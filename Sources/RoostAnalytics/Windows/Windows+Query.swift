import RoostIngest

extension Windows {
    /// The figures of one window; nil when it is none of `sizes`.
    ///
    /// - Parameters:
    ///   - now: Unix nanoseconds, told back in the answer.
    ///   - activeWorkflows: in progress, as whoever follows them knows.
    ///   - groups: whether to tell by agent, workflow, model, provider and tool as well.
    public func query(
        window: Int, _ symbols: Symbols, now: UInt64, activeWorkflows: Int? = nil,
        activeAgents: Int? = nil, groups: Bool = true
    ) -> WindowStatistics? {
        guard let level = Windows.sizes.firstIndex(of: window) else { return nil }
        var reader = WindowReader(live, levels[...level])
        var result = WindowStatistics(window: window, time: now, covered: covered(level))
        result.overall = reader.overall()
        result.activeWorkflows = activeWorkflows
        result.activeAgents = activeAgents
        result.cumulative = cumulative
        result.agentsSeen = reader.used(.agent).count
        result.workflowsSeen = reader.used(.workflow).count
        guard groups else { return result }
        for dimension in WindowDimension.allCases {
            result.groups[dimension] = group(dimension, symbols, &reader)
        }
        return result
    }

    /// The busiest first, equal ones by name. Sorted as numbers: names are looked at where these are
    /// equal.
    private func group(
        _ dimension: WindowDimension, _ symbols: Symbols, _ reader: inout WindowReader
    ) -> [(name: String, figures: WindowFigures)] {
        let used = reader.used(dimension)
        let names = used.map { name(dimension, $0, symbols) }
        var order = used.indices.map { place in
            UInt64(UInt32.max - reader.events(dimension, used[place])) << 32 | UInt64(place)
        }
        order.sort { one, other in
            guard one >> 32 == other >> 32 else { return one < other }
            return names[Int(one & 0xFFFF_FFFF)] < names[Int(other & 0xFFFF_FFFF)]
        }
        var rows: [(name: String, figures: WindowFigures)] = []
        rows.reserveCapacity(order.count)
        for one in order {
            let place = Int(one & 0xFFFF_FFFF)
            rows.append((names[place], reader.figures(dimension, used[place])))
        }
        return rows
    }

    private func name(_ dimension: WindowDimension, _ key: Int, _ symbols: Symbols) -> String {
        if key == WindowLayout.other { return Symbols.overflow }
        return symbols.text(keys[dimension.rawValue].texts[key])
    }

    /// Seconds; at least one.
    private func covered(_ level: Int) -> Double {
        let window = levels[level].window
        var from = now > window ? now - window : 0
        let oldest = levels[...level].compactMap { $0.slots.first?.from }.min() ?? liveFrom
        from = max(started, levels[level].horizon, min(from, oldest))
        return now > from ? max(1, Double(now - from) / 1e9) : 1
    }
}

/// Adds up what some levels hold and what is live, key by key.
private struct WindowReader {
    /// By key.
    private var tallies: [WindowTally]
    private var ranks: WindowRanks
    private var values = [Double](repeating: 0, count: shares.count)

    private static let shares = [0.5, 0.95, 0.99]

    init(_ live: WindowLive, _ levels: ArraySlice<Windows.Level>) {
        ranks = WindowRanks(
            live: live.sketches, slots: levels.last?.sketches.sketches ?? WindowSketches())
        tallies = live.tallies
        for level in levels where !level.tallies.isEmpty {
            for key in tallies.indices where level.tallies[key].touches > 0 {
                tallies[key].add(level.tallies[key])
            }
        }
    }

    func used(_ dimension: WindowDimension) -> [Int] {
        (0..<WindowLayout.stride).filter {
            tallies[WindowLayout.tally(dimension, $0)].touches > 0
        }
    }

    func events(_ dimension: WindowDimension, _ key: Int) -> UInt32 {
        tallies[WindowLayout.tally(dimension, key)].events
    }

    mutating func overall() -> WindowFigures {
        figures(tallies[0]) { $0.rawValue }
    }

    mutating func figures(_ dimension: WindowDimension, _ key: Int) -> WindowFigures {
        let base = WindowLayout.sketchBase(dimension) + key * dimension.sketches
        return figures(tallies[WindowLayout.tally(dimension, key)]) { measure in
            dimension.sketch(measure).map { base + $0 }
        }
    }

    private mutating func figures(
        _ tally: WindowTally, _ sketch: (WindowMeasure) -> Int?
    ) -> WindowFigures {
        var result = WindowFigures()
        result.events = UInt64(tally.events)
        result.ended = UInt64(tally.ended)
        result.errors = UInt64(tally.errors)
        result.workflowRuns = count(tally.workflow)
        result.agentRuns = count(tally.agent)
        result.llmCalls = count(tally.llm)
        result.toolCalls = count(tally.tool)
        result.tokens = tally.tokens
        result.cost = tally.priced > 0 ? tally.cost : nil
        result.unpricedCalls = UInt64(tally.unpriced)
        result.workflowDuration = sketch(.workflow).flatMap { duration($0, tally.workflow) }
        result.agentDuration = sketch(.agent).flatMap { duration($0, tally.agent) }
        result.llmDuration = sketch(.llm).flatMap { duration($0, tally.llm) }
        result.toolDuration = sketch(.tool).flatMap { duration($0, tally.tool) }
        result.timeToFirstToken = sketch(.firstToken).flatMap { duration($0, tally.firstToken) }
        return result
    }

    private func count(_ work: WindowTally.Work) -> WindowCount {
        var result = WindowCount()
        result.count = UInt64(work.count)
        result.errors = UInt64(work.errors)
        return result
    }

    private mutating func duration(_ sketch: Int, _ work: WindowTally.Work) -> WindowDuration? {
        if work.timed == 0 { return nil }
        ranks.read(sketch)
        if ranks.total == 0 { return nil }
        ranks.quantiles(WindowReader.shares, into: &values)
        var result = WindowDuration()
        result.count = UInt64(work.timed)
        result.average = work.total / Double(result.count)
        // Extremes have seven digits, the mean has more.
        result.shortest = min(Double(work.shortest), result.average)
        result.longest = max(Double(work.longest), result.average)
        func clamped(_ value: Double) -> Double {
            min(max(value, result.shortest), result.longest)
        }
        (result.p50, result.p95, result.p99) = (
            clamped(values[0]), clamped(values[1]), clamped(values[2])
        )
        return result
    }
}
