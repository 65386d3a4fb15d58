import RoostCore

/// Files and what the manifest says of them.
extension AuditRecovery {
    /// A process may have ended between the line in the manifest and the removal; answers what stays.
    ///
    /// What no record of the trail says was removed, somebody else has written into the manifest.
    mutating func removeWhatIsToGo(_ names: [String]) throws(FileFault) -> [String] {
        let removed = names.filter(manifest.hasRemoved)
        guard !removed.isEmpty else { return names }
        let owed = stillOwed(names, of: removed)
        for name in removed where !owed.has(name) {
            try AuditFolder.remove(folder + "/" + name)
        }
        let kept = removed.filter(owed.has)
        if let first = kept.first {
            findings.append(
                "\(AuditFolder.manifest) says that \(first) was removed"
                    + (kept.count > 1 ? ", as well as \(kept.count - 1) others" : "")
                    + "; no record says so, and it is there")
        }
        return names.filter { !manifest.hasRemoved($0) || owed.has($0) }
    }

    private func stillOwed(_ names: [String], of removed: [String]) -> OwedRemovals {
        var owed = OwedRemovals(manifest)
        for name in names.reversed() where !manifest.hasRemoved(name) {
            guard removed.contains(where: owed.has) else { break }
            // What cannot be read confirms nothing, and the files stay.
            guard let file = try? AuditFile(folder + "/" + name, .read) else { continue }
            try? file.forEachLine { line, _, _, isWhole in
                if isWhole { owed.settle(by: line) }
                return !owed.isEmpty
            }
        }
        return owed
    }

    /// Every file but the last was sealed, with a line in the manifest, before the next one was begun.
    /// Lines that are gone are written again, so that queries and retention know the files.
    mutating func listAgain(_ names: [String]) {
        var written: [String] = []
        for name in names {
            do throws(FileFault) {
                try manifest.append(
                    .sealed(try summary(of: name)), in: folder, at: unixNanoseconds(), sha)
                written.append(name)
            } catch {
                findings.append("\(AuditFolder.manifest) has no line for \(name): \(error)")
                break
            }
        }
        guard let first = written.first, let last = written.last else { return }
        AuditFolder.sync(folder)
        findings.append(
            "\(AuditFolder.manifest) had no line for "
                + (written.count == 1
                    ? "\(first): it was" : "\(written.count) files, \(first) to \(last): they were")
                + " written anew from what is in the files")
    }

    private func summary(of name: String) throws(FileFault) -> FileSummary {
        let file = try AuditFile(folder + "/" + name, .read)
        var summary = FileSummary(name: name, first: AuditFolder.first(ofFile: name) ?? 1)
        if let last = try summary.read(file, sha, { _ in }).last {
            summary.last = last.sequence
            summary.lastHash = last.hash
        }
        // Lines that do not stand by themselves are part of it.
        summary.bytes = try file.size()
        file.makeReadOnly()
        return summary
    }
}
