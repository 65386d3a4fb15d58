public import RoostCore

extension TraceSummary {
    /// An object, as lists of traces hold it.
    public func write(into writer: inout JSONWriter) {
        writer.beginObject()
        writeFields(into: &writer)
        writer.endObject()
    }

    /// The fields of the object, into one that has been begun. `count` is what the number of spans
    /// is called, for objects that hold the spans themselves.
    public func writeFields(into writer: inout JSONWriter, count: String = "spans") {
        let id = HexText.trace(traceIDHigh, traceIDLow)
        writer.field("trace_id", id)
        // A run of a workflow is a trace.
        writer.field("workflow_id", id)
        writer.optional("workflow", workflow)
        writer.optional("name", name)
        writer.optional("service", service)
        writer.texts("services", services)
        writer.field("status", status.rawValue)
        writer.moment("start_time", start)
        writer.moment("end_time", end)
        writer.seconds("duration", duration)
        writer.optional("clock_skew_seconds", clockSkew == 0 ? nil : Double(clockSkew) / 1e9)
        writer.field(count, spans)
        writer.field("errors", errors)
        writer.texts("agents", agents)
        writer.texts("models", models)
        writer.field("llm_calls", calls)
        writer.field("tool_calls", toolCalls)
        writer.field("tokens", tokens)
        writer.optional("cost_usd", cost)
        writer.optional("session", session)
        writer.optional("user", user)
    }
}
