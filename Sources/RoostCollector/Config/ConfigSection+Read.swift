extension ConfigForm {
    /// The value of a single node; nil, with a fault told, when it is none.
    func read(_ node: ConfigNode, at path: String, _ reading: inout ConfigReading) -> Value? {
        guard case .scalar(let text, _) = node.content else {
            reading.fault(node.origin, "\(path) is \(node.kind); allowed: \(allowed)")
            return nil
        }
        guard !node.isNull else {
            reading.fault(node.origin, "\(path) has no value; allowed: \(allowed)")
            return nil
        }
        guard let expanded = reading.expand(text, at: path, node.origin) else { return nil }
        do throws(ConfigFormError) { return try parse(expanded) } catch {
            let shown = isSecret ? "the value" : quoted(expanded, from: text)
            reading.fault(node.origin, "\(path): \(shown) \(error.reason); allowed: \(allowed)")
            return nil
        }
    }

    private func quoted(_ expanded: String, from text: String) -> String {
        let shown = isAddress ? shownAddress(expanded) : withoutUserInfo(expanded)
        let short = shown.count > 80 ? shown.prefix(77) + "..." : shown[...]
        guard expanded != text else { return "\"\(short)\"" }
        return "\"\(short)\" (from \(isAddress ? shownAddress(text) : withoutUserInfo(text)))"
    }

    /// Reads a list, which takes the place of the one there; `[i]` of a flag changes one entry.
    func readList(
        _ node: ConfigNode, at path: String, into list: inout [Value],
        _ reading: inout ConfigReading
    ) {
        if case .element(let index, let inner) = node.content {
            guard index <= list.count else {
                reading.fault(node.origin, noSuchEntry(path, index, count: list.count))
                return
            }
            guard let value = read(inner, at: "\(path)[\(index)]", &reading) else { return }
            if index == list.count { list.append(value) } else { list[index] = value }
            return
        }
        guard let items = listItems(node, at: path, &reading) else { return }
        reading.forget(below: path)
        list = []
        for (index, item) in items.enumerated() {
            reading.note("\(path)[\(index)]", item.origin)
            if let value = read(item, at: "\(path)[\(index)]", &reading) { list.append(value) }
        }
    }
}

extension ConfigSection {
    /// Reads a list of mappings, which takes the place of the one there; `[i]` of a flag changes
    /// one entry, or begins a new one behind the last.
    func readList(
        _ node: ConfigNode, at path: String, into list: inout [Owner], fresh: Owner,
        _ reading: inout ConfigReading
    ) {
        if case .element(let index, let inner) = node.content {
            guard index <= list.count else {
                reading.fault(node.origin, noSuchEntry(path, index, count: list.count))
                return
            }
            if index == list.count {
                reading.note("\(path)[\(index)]", inner.origin)
                list.append(fresh)
            }
            read(inner, at: "\(path)[\(index)]", into: &list[index], &reading)
            return
        }
        guard let items = listItems(node, at: path, &reading) else { return }
        reading.forget(below: path)
        list = []
        for (index, item) in items.enumerated() {
            var value = fresh
            reading.note("\(path)[\(index)]", item.origin)
            read(item, at: "\(path)[\(index)]", into: &value, &reading)
            list.append(value)
        }
    }
}

private func noSuchEntry(_ path: String, _ index: Int, count: Int) -> String {
    "\(path)[\(index)]: the list has \(count) entries; the next one is \(path)[\(count)]"
}

/// The nodes of a list; nil, with a fault told, when it is none. A flag may give it in YAML's
/// brackets or as words between commas.
private func listItems(
    _ node: ConfigNode, at path: String, _ reading: inout ConfigReading
) -> [ConfigNode]? {
    if node.isNull { return [] }
    switch node.content {
    case .sequence(let items): return items
    case .scalar(let text, _):
        guard case .flag = node.origin else { break }
        guard text.hasPrefix("[") else {
            return text.split(separator: ",").map {
                ConfigNode(content: .scalar(String($0), isPlain: false), origin: node.origin)
            }
        }
        do throws(ConfigErrors) {
            let inner = try YAMLReader.read(Array(text.utf8), name: "", origin: node.origin).node
            if case .sequence(let items)? = inner?.content { return items }
        } catch {
            reading.add(error)
            return nil
        }
    case .mapping, .element: break
    }
    reading.fault(node.origin, "\(path) is \(node.kind); write a list: [a, b]")
    return nil
}
