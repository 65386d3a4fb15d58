import RoostCore
import RoostWire

extension Config {
    /// The configuration as YAML that loads again; secrets are masked as `***`.
    public func yaml() -> String {
        guard case .map(let entries) = Config.section.show(self) else { return "" }
        var text = ""
        writeYAML(entries, indent: "", into: &text)
        return text
    }

    /// Where each destination sends each signal, as comments to stand behind the YAML.
    public func addresses() -> String {
        var text = ""
        for settings in exportSettings {
            for signal in Signal.allCases {
                guard let url = settings.urls[signal] else { continue }
                text += "# \(settings.name) sends \(signal.name) to \(url)\n"
            }
        }
        return text
    }

    /// The configuration as one JSON object, secrets masked.
    func writeMasked(into writer: inout JSONWriter) {
        writeJSON(Config.section.show(self), into: &writer)
    }

    /// Every key with its default, what it takes and what it is for, as tables in Markdown.
    public static func reference() -> String {
        var text = ""
        for key in section.keys {
            let rows = key.rows(Config(), key.name)
            text += "| `\(key.name)` | default | takes | |\n| --- | --- | --- | --- |\n"
            for row in rows {
                let name =
                    row.path == key.name
                    ? row.path
                    : String(row.path.dropFirst(key.name.count).drop { ".[]".contains($0) })
                let fallback = row.fallback == .null ? "" : "`\(inlineYAML(row.fallback))`"
                text += "| `\(name)` | \(fallback) | \(row.allowed) | \(row.doc) |\n"
            }
            text += "\n"
        }
        return text
    }
}

private func writeYAML(_ entries: [ConfigValue.Entry], indent: String, into text: inout String) {
    for entry in entries {
        text += indent + quotedYAML(entry.key) + ":"
        switch entry.value {
        case .map(let inner) where !inner.isEmpty:
            text += "\n"
            writeYAML(inner, indent: indent + "  ", into: &text)
            continue
        case .list(let items) where !items.isEmpty:
            guard case .map = items[0] else { break }
            text += "\n"
            for case .map(let inner) in items {
                var block = ""
                writeYAML(inner, indent: indent + "    ", into: &block)
                text += indent + "  - " + block.dropFirst(indent.count + 4)
            }
            continue
        default: break
        }
        text += " " + inlineYAML(entry.value) + "\n"
    }
}

private func inlineYAML(_ value: ConfigValue) -> String {
    switch value {
    case .null: "null"
    case .flag(let flag): flag ? "true" : "false"
    case .number(let number): String(number)
    case .text(let text): quotedYAML(text)
    case .list(let items): "[" + items.map(inlineYAML).joined(separator: ", ") + "]"
    case .map(let entries):
        "{"
            + entries.map { quotedYAML($0.key) + ": " + inlineYAML($0.value) }
            .joined(separator: ", ") + "}"
    }
}

/// Without quotes where nobody could take the text for something else. A dollar sign is doubled,
/// so that it is read back as one.
private func quotedYAML(_ text: String) -> String {
    let isPlain =
        !text.isEmpty
        && text.unicodeScalars.allSatisfy {
            $0.isASCII
                && ($0.properties.isAlphabetic || "0123456789_./-:".unicodeScalars.contains($0))
        } && text.first != "-" && text.first != ":" && text.last != ":"
        && !["true", "false", "null", "yes", "no", "on", "off"].contains(text.lowercased())
    guard !isPlain else { return text }
    var quoted = "\""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\"", "\\": quoted += "\\" + String(scalar)
        case "$": quoted += "$$"
        default: quoted.unicodeScalars.append(scalar)
        }
    }
    return quoted + "\""
}

private func writeJSON(_ value: ConfigValue, into writer: inout JSONWriter) {
    switch value {
    case .null: writer.null()
    case .flag(let flag): writer.value(flag)
    case .number(let number): writer.value(number)
    case .text(let text): writer.value(text)
    case .list(let items):
        writer.beginArray()
        for item in items { writeJSON(item, into: &writer) }
        writer.endArray()
    case .map(let entries):
        writer.beginObject()
        for entry in entries {
            writer.key(entry.key)
            writeJSON(entry.value, into: &writer)
        }
        writer.endObject()
    }
}
