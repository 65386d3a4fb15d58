import RoostCore

/// Who was seen within the last hour, by name.
///
/// Bounded: who comes when it is full and nobody in it is gone is not counted.
struct RecentNames {
    private var last: [ExactText: UInt64] = [:]
    private static let most = 10_000
    private static let window: UInt64 = 3_600_000_000_000

    /// `now` in Unix nanoseconds.
    mutating func see(_ text: String?, at now: UInt64) {
        guard let text, !text.isEmpty else { return }
        let name = ExactText(text)
        if last.count >= Self.most, last[name] == nil { forget(now) }
        guard last.count < Self.most || last[name] != nil else { return }
        last[name] = max(now, last[name] ?? 0)
    }

    func count(_ now: UInt64) -> Int { last.values.count { Self.isRecent($0, now) } }

    private mutating func forget(_ now: UInt64) {
        last = last.filter { Self.isRecent($0.value, now) }
    }

    private static func isRecent(_ time: UInt64, _ now: UInt64) -> Bool {
        time > now || now - time <= window
    }
}
