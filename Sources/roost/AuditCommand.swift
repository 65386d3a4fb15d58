import RoostAudit
import RoostCollector
import RoostCore

/// Checks the chain of an audit trail; 1 when it is broken, 2 when there is nothing to check.
func auditCommand(_ options: Options) -> Int32 {
    guard options.words == ["verify"] else {
        printError("roost audit: say roost audit verify\nSee roost help audit.\n")
        return 2
    }
    let format = options.last("--format") ?? "text"
    guard format == "text" || format == "json" else {
        printError("roost audit: \(format) is no format; one of text, json\n")
        return 2
    }
    guard let folder = options.last("--path") ?? configuredFolder(options) else { return 2 }
    let result = verifyAudit(folder: folder)
    if format == "json" {
        var writer = JSONWriter()
        result.write(into: &writer)
        printText(String(decoding: writer.bytes, as: UTF8.self) + "\n")
    } else {
        printText(text(result, folder))
    }
    return result.isIntact ? 0 : 1
}

private func configuredFolder(_ options: Options) -> String? {
    do throws(ConfigErrors) {
        return try ConfigLoader.load(
            file: options.last("--config"), sets: options.all("--set"),
            environment: startEnvironment()
        ).config.auditSettings.path
    } catch {
        printError("\(error)\n")
        return nil
    }
}

private func text(_ result: AuditVerification, _ folder: String) -> String {
    var text = ""
    if let found = result.firstBreak {
        text += "broken: \(folder)/\(found.file)"
        if found.line > 0 { text += ", line \(found.line)" }
        if let sequence = found.sequence { text += ", record \(sequence)" }
        text += ": \(found.kind.rawValue): \(found.message)\n"
    } else {
        text += "intact: \(folder)\n"
    }
    text += "\(result.records) records in \(result.files) files read"
    if let first = result.firstSequence, let last = result.lastSequence {
        text += ", \(first) to \(last)"
    }
    if result.removedFiles > 0 { text += "; \(result.removedFiles) older files were removed" }
    text += "\n"
    for note in result.notes { text += "\(note)\n" }
    return text
}
