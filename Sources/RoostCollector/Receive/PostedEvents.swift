package import RoostIngest

extension CollectorView {
    /// Takes out of posted events what must neither rest nor be shown; false when there is no memory
    /// for that, and then nothing of them may be used.
    package func redact(_ events: inout [PostedEvent]) -> Bool {
        let redaction = parts.intake.redaction
        let redactor = redaction.redactor
        guard redactor.isOn else { return true }
        var texts = TextRedactor(redactor, memory: parts.intake.memory)
        for place in events.indices { events[place].redact(with: &texts) }
        guard !texts.isOutOfMemory else { return false }
        redaction.counts.add(texts.tally, of: redactor)
        return true
    }
}
