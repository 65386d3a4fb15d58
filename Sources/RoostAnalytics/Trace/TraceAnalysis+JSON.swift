public import RoostCore
import RoostIngest

extension TraceAnalysis {
    /// An object with everything that was found.
    ///
    /// Lists end at `TraceAnalysisSettings.longestList`; `omitted` tells of each how many more
    /// there were.
    public func write(into writer: inout JSONWriter) {
        writer.beginObject()
        writeTotals(&writer)
        writer.key("critical_path")
        writePath(&writer)
        list("self_time", bySelfTime, &writer, writeSelfTime)
        list("long_poles", longPoles, &writer, writePole)
        list("agents", agents, &writer, writeAgent)
        list("slow_agents", agents.filter(\.isSlow), &writer) { $1.value($0.agent) }
        list("sequential_phases", phases, &writer, writePhase)
        list("overlaps", overlaps, &writer, writeOverlap)
        list("operations", operations, &writer, writeOperation)
        list("error_clusters", errorClusters, &writer, writeCluster)
        list("high_frequency", repeated, &writer, writeRepeated)
        list("loops", loops, &writer, writeLoop)
        list("clock_skew", clockSkews, &writer, writeSkew)
        list("execution_order", agentRuns, &writer, writeRun)
        list("timeline", timeline, &writer, writeMoment)
        list("recommendations", recommendations, &writer, writeRecommendation)
        writer.endObject()
    }

    private func writeTotals(_ writer: inout JSONWriter) {
        writer.field("trace_id", HexText.trace(document.traceIDHigh, document.traceIDLow))
        writer.optional("workflow", document.workflow)
        writer.field("spans", document.steps.count)
        writer.field("omitted_spans", document.omitted)
        writer.moment("start_time", start)
        writer.moment("end_time", time(wallClock))
        writer.seconds("duration", wallClock)
        writer.seconds("working_seconds", concurrency.working)
        writer.seconds("human_wait_seconds", concurrency.waiting)
        writer.seconds("idle_seconds", concurrency.idle)
        writer.seconds("total_work_seconds", concurrency.work)
        writer.field("parallelization_ratio", concurrency.ratio)
        writer.field("parallelization_factor", concurrency.factor)
        writer.seconds("overlap_seconds", concurrency.overlap)
        writer.field("peak_parallel_steps", concurrency.peak)
        writer.optional("performance_score", score?.total)
        writer.key("score")
        if let score {
            writer.beginObject()
            writer.field("total", score.total)
            writer.field("parallelization", score.parallelization)
            writer.field("long_poles", score.longPoles)
            writer.field("errors", score.errors)
            writer.field("target", settings.targetScore)
            writer.endObject()
        } else {
            writer.null()
        }
        writer.field("failures", failures.count)
        writer.field("steps_outside_parents", stepsOutside)
    }

    /// A list under `name`, and behind it how much of it is left out, if anything is.
    private func list<Element>(
        _ name: String, _ elements: [Element], _ writer: inout JSONWriter,
        _ write: (Element, inout JSONWriter) -> Void
    ) {
        writer.array(name) { writer in
            for element in elements.prefix(settings.longestList) { write(element, &writer) }
        }
        if elements.count > settings.longestList {
            writer.field("omitted_\(name)", elements.count - settings.longestList)
        }
    }

    /// The fields by which a step is found again.
    private func writeStep(_ place: Int, _ writer: inout JSONWriter) {
        let step = document.steps[place]
        writer.field("step", place)
        writer.optional("span_id", step.spanID == 0 ? "" : HexText.span(step.spanID))
        writer.optional("name", step.name)
        writer.field("activity", step.activity.name)
        writer.optional("agent", step.agent)
    }

    private func writeSteps(_ name: String, _ places: [Int], _ writer: inout JSONWriter) {
        writer.array(name) { writer in
            for place in places {
                writer.beginObject()
                writeStep(place, &writer)
                writer.endObject()
            }
        }
    }

    // MARK: where the time went

    private func writePath(_ writer: inout JSONWriter) {
        writer.beginObject()
        let known = criticalPath.segments.reduce(0) { $0 + ($1.step == nil ? 0 : $1.duration) }
        writer.seconds("duration", wallClock)
        writer.seconds("unknown_seconds", wallClock - known)
        list("segments", criticalPath.segments, &writer, writeSegment)
        let steps = document.steps.indices.filter { criticalPath.onPath[$0] > 0 }
            .sorted { (criticalPath.onPath[$1], $0) < (criticalPath.onPath[$0], $1) }
        list("steps", steps, &writer) { place, writer in
            writer.beginObject()
            writeStep(place, &writer)
            writer.seconds("seconds", criticalPath.onPath[place])
            writer.field("share", share(criticalPath.onPath[place], of: wallClock))
            writer.endObject()
        }
        writer.endObject()
    }

    private func writeSegment(_ segment: CriticalPath.Segment, _ writer: inout JSONWriter) {
        writer.beginObject()
        if let step = segment.step {
            let isWait = document.steps[step].activity == .humanWait
            writer.field("kind", isWait ? "human_wait" : "work")
            writeStep(step, &writer)
        } else {
            writer.field("kind", "unknown")
        }
        writer.moment("start_time", time(segment.start))
        writer.seconds("offset_seconds", segment.start)
        writer.seconds("duration", segment.duration)
        writer.endObject()
    }

    private var bySelfTime: [Int] {
        document.steps.indices.filter { selfTimes[$0] > 0 }
            .sorted { (selfTimes[$1], $0) < (selfTimes[$0], $1) }
    }

    private func writeSelfTime(_ place: Int, _ writer: inout JSONWriter) {
        writer.beginObject()
        writeStep(place, &writer)
        writer.seconds("duration", duration(place))
        writer.seconds("self_seconds", selfTimes[place])
        writer.field("share", share(selfTimes[place], of: concurrency.work))
        writer.endObject()
    }

    private func share(_ part: Int, of whole: Int) -> Double {
        whole > 0 ? Double(part) / Double(whole) : 0
    }

    private func writePole(_ pole: LongPole, _ writer: inout JSONWriter) {
        writer.beginObject()
        writeStep(pole.step, &writer)
        writer.seconds("duration", duration(pole.step))
        writer.seconds("critical_path_seconds", pole.onPath)
        writer.seconds("alone_seconds", pole.alone)
        writer.endObject()
    }

    private func writeAgent(_ agent: AgentShare, _ writer: inout JSONWriter) {
        writer.beginObject()
        writer.field("agent", agent.agent)
        writer.field("runs", agent.runs)
        writer.field("spans", agent.steps)
        writer.seconds("busy_seconds", agent.busy)
        writer.field("share", agent.share)
        writer.field("is_slow", agent.isSlow)
        writer.seconds("critical_path_seconds", agent.onPath)
        writer.field("errors", agent.errors)
        writer.field("tokens", agent.tokens)
        writer.optional("cost_usd", agent.cost)
        writer.object("longest_step") { writeStep(agent.longest, &$0) }
        writer.endObject()
    }

    private func writeOverlap(_ overlap: AgentOverlap, _ writer: inout JSONWriter) {
        writer.beginObject()
        writer.texts("agents", [overlap.first, overlap.second])
        writer.seconds("seconds", overlap.time)
        writer.endObject()
    }

    private func writePhase(_ phase: SequentialPhase, _ writer: inout JSONWriter) {
        writer.beginObject()
        writer.key("below")
        if let parent = phase.parent {
            writer.beginObject()
            writeStep(parent, &writer)
            writer.endObject()
        } else {
            writer.null()
        }
        writer.field("count", phase.count)
        writer.seconds("duration", phase.busy)
        writer.field("parallelization_ratio", phase.ratio)
        writer.seconds("saving_seconds", phase.saving)
        writer.field("confidence", phase.confidence)
        writeSteps("evidence", phase.steps, &writer)
        writer.endObject()
    }

    private func writeOperation(_ operation: OperationStatistics, _ writer: inout JSONWriter) {
        writer.beginObject()
        operation.writeFields(into: &writer)
        writer.endObject()
    }

    // MARK: what was found

    private func writeCluster(_ cluster: ErrorCluster, _ writer: inout JSONWriter) {
        writer.beginObject()
        writer.moment("start_time", time(cluster.start))
        writer.moment("end_time", time(cluster.end))
        writer.field("count", cluster.count)
        writer.array("error_types") { writer in
            for (type, count) in cluster.types.prefix(settings.mostEvidence) {
                writer.beginObject()
                writer.optional("error_type", type)
                writer.field("count", count)
                writer.endObject()
            }
        }
        writer.field("confidence", cluster.confidence)
        writeSteps("evidence", cluster.steps, &writer)
        writer.endObject()
    }

    private func writeRepeated(_ operation: RepeatedOperation, _ writer: inout JSONWriter) {
        writer.beginObject()
        writer.field("activity", operation.activity.name)
        writer.optional("operation", operation.name)
        writer.field("count", operation.count)
        writer.field("known_arguments", operation.known)
        writer.field("repeated_arguments", operation.repeats)
        writer.seconds("saving_seconds", operation.saving)
        writer.optional("saving_usd", operation.cost)
        writer.field("confidence", operation.confidence)
        writeSteps("evidence", operation.steps, &writer)
        writer.endObject()
    }

    private func writeLoop(_ loop: TraceLoop, _ writer: inout JSONWriter) {
        writer.beginObject()
        writer.field("kind", loop.kind.rawValue)
        writer.optional("agent", loop.agent)
        writer.optional("subject", loop.subject)
        writer.field("count", loop.count)
        writer.field("errors", loop.errors)
        if loop.kind == .growingInput {
            writer.field("first_input_tokens", loop.firstInput)
            writer.field("last_input_tokens", loop.lastInput)
        }
        writer.field("tokens", loop.tokens)
        writer.seconds("saving_seconds", loop.saving)
        writer.optional("saving_usd", loop.cost)
        writer.field("confidence", loop.confidence)
        writeSteps("evidence", loop.steps, &writer)
        writer.endObject()
    }

    private func writeSkew(_ skew: ClockSkew, _ writer: inout JSONWriter) {
        writer.beginObject()
        writer.optional("service", skew.service)
        writer.optional("caller", skew.caller)
        writer.seconds("ahead_seconds", skew.ahead)
        writer.field("calls", skew.calls)
        writer.endObject()
    }

    private func writeRun(_ place: Int, _ writer: inout JSONWriter) {
        writer.beginObject()
        writeStep(place, &writer)
        writer.field("status", document.steps[place].word)
        writer.seconds("offset_seconds", starts[place])
        writer.seconds("duration", duration(place))
        writer.endObject()
    }

    /// What agents did, in the order in which it began.
    private var timeline: [Int] {
        document.steps.indices.filter { document.steps[$0].activity != .other }
            .sorted { (starts[$0], $0) < (starts[$1], $1) }
    }

    private func writeMoment(_ place: Int, _ writer: inout JSONWriter) {
        writer.beginObject()
        writeStep(place, &writer)
        writer.optional("operation", document.steps[place].operation)
        writer.field("status", document.steps[place].word)
        writer.moment("start_time", time(starts[place]))
        writer.seconds("offset_seconds", starts[place])
        writer.seconds("duration", duration(place))
        writer.endObject()
    }

    private func writeRecommendation(
        _ recommendation: TraceRecommendation, _ writer: inout JSONWriter
    ) {
        writer.beginObject()
        writer.field("category", recommendation.category.rawValue)
        writer.field("title", recommendation.title)
        writer.field("text", recommendation.text)
        writer.optional("saving_seconds", recommendation.saving)
        writer.optional("saving_usd", recommendation.costSaving)
        writer.field("confidence", recommendation.confidence)
        writeSteps("evidence", recommendation.evidence, &writer)
        writer.endObject()
    }
}

extension OperationStatistics {
    func writeFields(into writer: inout JSONWriter) {
        writer.field("activity", activity.name)
        writer.optional("operation", name)
        writer.field("count", count)
        writer.field("errors", errors)
        writer.field("pending", pending)
        writer.seconds("total_seconds", total)
        writer.seconds("self_seconds", own)
        writer.seconds("critical_path_seconds", onPath)
        writer.seconds("min_seconds", minimum)
        writer.field("mean_seconds", mean / 1e9)
        writer.field("median_seconds", median / 1e9)
        writer.field("p50_seconds", median / 1e9)
        writer.field("p95_seconds", p95 / 1e9)
        writer.field("p99_seconds", p99 / 1e9)
        writer.seconds("max_seconds", maximum)
        writer.field("tokens", tokens)
        writer.optional("cost_usd", cost)
    }
}
