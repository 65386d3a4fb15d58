import RoostWire

/// Names of errors, as short as can be told apart.
enum ErrorName {
    /// Without what Python puts around a class when it is printed: `<class 'openai.NotFoundError'>`.
    static func short(_ name: WireBytes) -> WireBytes {
        let opening = Array("<class '".utf8)
        guard name.hasPrefix(opening), name.count > opening.count + 2 else { return name }
        return unsafe WireBytes(
            base: name.base + opening.count, count: name.count - opening.count - 2)
    }

    static func isFailure(_ outcome: WireBytes) -> Bool {
        outcome.equals("error") || outcome.equals("ERROR") || outcome.equals("failure")
            || outcome.equals("failed")
    }

    /// The reason why a model stopped, where that is a failure: one text or a list of them.
    static func finish(_ value: AnyValueView) -> WireBytes? {
        if value.kind == .string { return isFailedFinish(value.stringBytes) }
        if let text = value.onlyText { return isFailedFinish(text) }
        var found: WireBytes?
        value.forEachElement { element in
            if found == nil { found = isFailedFinish(element.stringBytes) }
        }
        return found
    }

    private static func isFailedFinish(_ reason: WireBytes) -> WireBytes? {
        reason.equals("error") || reason.equals("content_filter") || reason.equals("content-filter")
            ? reason : nil
    }

    /// The type of the last exception among a span's events.
    static func exception(_ events: EventList) -> WireBytes? { last("exception.type", events) }

    /// What the last exception among a span's events says.
    static func message(_ events: EventList) -> WireBytes? { last("exception.message", events) }

    private static func last(_ attribute: StaticString, _ events: EventList) -> WireBytes? {
        var found: WireBytes?
        events.forEach { event in
            guard event.name.equals("exception") else { return }
            event.attributes.forEach { key, value in
                if key.equals(attribute), !value.stringBytes.isEmpty { found = value.stringBytes }
            }
        }
        return found
    }
}

/// Ids written as text.
enum HexID {
    /// Sixteen hexadecimal digits.
    static func parse(_ text: WireBytes) -> UInt64? {
        guard text.count == 16 else { return nil }
        return UInt64(text.string, radix: 16)
    }
}
