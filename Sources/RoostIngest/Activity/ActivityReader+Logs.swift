import RoostCore
import RoostWire

/// Activities of log records, for agents that write events instead of spans.
///
/// Events carry an end and, some, a duration. A record within a trace stands below the span that it
/// names; the others get a trace made from service, session and prompt, so that the events of one
/// prompt are one workflow.
extension ActivityReader {
    /// Takes in a record, whose attributes have been taken in, if it is an event that the tables list;
    /// any other costs a look or two.
    mutating func record(_ record: LogRecordView) {
        defer { slots.reset() }
        guard let event = event(of: record) else { return }
        if tellsDecisions, let decision = event.decision { decide(decision, record) }
        guard isMet(event.conditions, record) else { return }
        if event.isToldBySpan, isInSampledSpan(record) { return }
        if dialect != 0, event.otherwiseTold.contains(table.dialectNames[Int(dialect)]) { return }
        var activity = Activity()
        activity.source = .log
        activity.phase = event.phase
        activity.kind = kind(event)
        activity.dialect = dialect != 0 ? dialect : slots.dialect
        readOutcome(nil, &activity)
        let message = slots.text(.errorMessage)
        if event.isFailure || !message.isEmpty { activity.status = .error }
        if event.isOnlyFailures, activity.status != .error { return }
        placeService(&activity)
        activity.name = text(eventName(of: record))
        readNames(&activity)
        readModel(&activity)
        if activity.phase == .finished, activity.kind != .evaluation {
            readUsage(&activity)
            readTimes(&activity)
        }
        readEnd(record, &activity)
        place(record, &activity)
        batch.activities.append(activity)
    }

    /// Calls of the conventions say which kind they are.
    private func kind(_ event: NameEvent) -> ActivityKind {
        event.kind == .llm && slots.has(.kind) && slots.kind != .other ? slots.kind : event.kind
    }

    // MARK: which event

    private func event(of record: LogRecordView) -> NameEvent? {
        if let event = find(record.eventName) { return event }
        let word = slots.text(.eventName)
        if let event = find(word) ?? find(record.body.stringBytes) { return event }
        guard dialect != 0, !word.isEmpty, word.count <= ActivityBatch.longestText else {
            return nil
        }
        var name = Array(table.dialectNames[Int(dialect)].utf8)
        name.append(0x2E)
        unsafe name.append(contentsOf: word.buffer)
        return unsafe name.withUnsafeBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return nil }
            return find(unsafe WireBytes(base: base, count: buffer.count))
        }
    }

    private func find(_ name: WireBytes) -> NameEvent? {
        guard !name.isEmpty, let index = table.logEventNames.find(name) else { return nil }
        return table.logEvents[Int(index)]
    }

    func eventName(of record: LogRecordView) -> WireBytes {
        if !record.eventName.isEmpty { return record.eventName }
        let word = slots.text(.eventName)
        return word.isEmpty ? record.body.stringBytes : word
    }

    private func isMet(_ conditions: [NameEvent.Condition], _ record: LogRecordView) -> Bool {
        for condition in conditions {
            var isMet = false
            record.attributes.forEach { key, value in
                guard !isMet, key.isText(condition.key) else { return }
                isMet = condition.values.contains { value.stringBytes.isText($0) }
            }
            if !isMet { return false }
        }
        return true
    }

    /// The low bit of the flags is the trace's own sampled flag.
    private func isInSampledSpan(_ record: LogRecordView) -> Bool {
        !record.traceID.isEmpty && !record.spanID.isEmpty && record.flags & 1 == 1
    }

    // MARK: when and where

    private func readEnd(_ record: LogRecordView, _ activity: inout Activity) {
        let end = record.timeUnixNano != 0 ? record.timeUnixNano : record.observedTimeUnixNano
        activity.end = end
        activity.start = end
        let lasted =
            slots.has(.durationMilliseconds)
            ? SpanUsage.number(slots.value(.durationMilliseconds)) : nil
        // A month; what claims more is nonsense.
        guard let lasted, lasted >= 0, lasted <= 2.6e9, UInt64(lasted * 1e6) <= end else {
            activity.flags.insert(.isInstant)
            if lasted != nil { activity.flags.insert(.hasRejectedValue) }
            return
        }
        activity.start = end - UInt64(lasted * 1e6)
    }

    private func place(_ record: LogRecordView, _ activity: inout Activity) {
        // The same record sent again is the same activity.
        var id = unsafe MadeID.hash(record.bytes.buffer, seed: 1)
        if !record.traceID.isEmpty {
            activity.traceIDHigh = unsafe load(record.traceID.base)
            activity.traceIDLow = unsafe load(record.traceID.base + 8)
            if !record.spanID.isEmpty { activity.parentSpanID = unsafe load(record.spanID.base) }
        } else {
            let session = slots.text(.session)
            let prompt = slots.text(.prompt)
            activity.flags.insert(.isDerivedTrace)
            if !prompt.isEmpty { activity.flags.insert(.isOfPrompt) }
            var high = unsafe service.withUnsafeBytes { unsafe MadeID.hash($0, seed: 2) }
            high = unsafe MadeID.hash(session.buffer, seed: high)
            activity.traceIDHigh = high
            // Without a session nothing says which records belong together.
            activity.traceIDLow =
                session.isEmpty && prompt.isEmpty
                ? id : unsafe MadeID.hash(prompt.buffer, seed: high)
        }
        if activity.kind == .agent, slots.has(.agentID) {
            // Start and end of one run.
            id = unsafe MadeID.hash(slots.text(.agentID).buffer, seed: activity.traceIDLow)
        }
        activity.spanID = id | 1
    }
}

extension WireBytes {
    fileprivate func isText(_ text: String) -> Bool {
        unsafe text.utf8.count == count && buffer.elementsEqual(text.utf8)
    }
}
