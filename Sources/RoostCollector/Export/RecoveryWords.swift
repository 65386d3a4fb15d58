import RoostCore
import RoostQueue

/// What people are told of a queue on disk that is damaged.
extension Log {
    /// What was found when it was opened.
    func tell(
        _ recovery: QueueRecovery, waiting: QueueCounts, exporter name: String, folder: String
    ) {
        if waiting.records > 0 {
            info(
                "queue on disk goes on where it was",
                [
                    "exporter": name, "folder": folder, "items": "\(waiting.allItems)",
                    "bytes": "\(waiting.bytes)",
                ])
        }
        if recovery.cursorsLost {
            warn(
                "it is not known what was sent: everything in the queue is sent again",
                ["exporter": name, "folder": folder])
        }
        for gap in recovery.gaps.prefix(10) {
            error(
                "data is missing from the files of the queue",
                [
                    "exporter": name, "folder": folder, "records": "\(gap.records)",
                    "numbers": "\(gap.first) to \(gap.end - 1)",
                    "items": (gap.isExact ? "" : "at least ") + "\(gap.items.allItems)",
                ])
        }
        tellDamage(recovery, exporter: name, folder: folder)
    }

    /// One line for what is in quarantine now, one for what is not.
    private func tellDamage(_ recovery: QueueRecovery, exporter name: String, folder: String) {
        let aside = recovery.placesSetAside + recovery.filesSetAside
        let left = recovery.placesLeft + recovery.filesUnreadable
        let items = "\(recovery.damaged.allItems)"
        if aside > 0 {
            error(
                "damaged data in the queue was set aside into quarantine",
                [
                    "exporter": name, "folder": folder, "places": "\(aside)",
                    "bytes": "\(max(0, recovery.damagedBytes - recovery.bytesLeft))",
                    "items": items,
                ])
        }
        if left > 0 {
            error(
                "damaged data in the queue could not be set aside into quarantine",
                [
                    "exporter": name, "folder": folder, "places": "\(left)",
                    "bytes": "\(recovery.bytesLeft)", "items": items,
                    "reason": recovery.quarantineFailure ?? "the disk does not give it",
                ])
        }
    }

    /// What was found while it was read. `unsaved` says why it is not in quarantine, if it is not.
    func tellDamage(items: Int, unsaved: String?, exporter name: String) {
        guard let unsaved else {
            return error(
                "damaged data in the queue was set aside into quarantine",
                ["exporter": name, "items": "\(items)"])
        }
        error(
            "damaged data in the queue could not be set aside into quarantine",
            ["exporter": name, "items": "\(items)", "reason": unsaved])
    }
}
