/// Resources and scopes met before, and what they say on the page.
struct ContextTable {
    /// One `target_info`.
    struct Target {
        var text: [UInt8]
        /// As in `Stream.heardAt`.
        var heardAt: UInt32
    }

    private struct Resource {
        var labels: ResourceLabels
        /// Where its target lies; empty when it has none.
        var target: [UInt8]
        /// `target_info` for it; empty when it has none.
        var text: [UInt8]
    }

    private var resources: [Fingerprint: Resource] = [:]
    private var scopes: [Fingerprint: ScopeLabels] = [:]
    /// By job and instance: at most one each, the latest.
    private var targets: [[UInt8]: Target] = [:]

    /// Bytes of texts in `resources` and `scopes` since they were last emptied, and of those in
    /// `targets`.
    private var resourceBytes = 0
    private var scopeBytes = 0
    private var targetBytes = 0

    private static let maxContexts = 10_000
    private static let maxTextBytes = 8 << 20

    /// The labels of a resource met before; its target lives on.
    mutating func resource(_ identity: Fingerprint, heardAt: UInt32) -> ResourceLabels? {
        guard let known = resources[identity] else { return nil }
        if !known.target.isEmpty {
            // Read first: a write makes sure that nobody shares the dictionary.
            if let target = targets[known.target], target.text == known.text {
                if target.heardAt != heardAt { targets[known.target]?.heardAt = heardAt }
            } else {
                _ = setTarget(known.target, known.text, heardAt)
            }
        }
        return known.labels
    }

    /// Takes up a resource; answers false when there are too many targets for its own.
    mutating func insert(
        _ identity: Fingerprint, _ labels: ResourceLabels, target: [UInt8]?, heardAt: UInt32
    ) -> Bool {
        if resources.count >= Self.maxContexts || resourceBytes > Self.maxTextBytes {
            resources.removeAll(keepingCapacity: true)
            resourceBytes = 0
        }
        let place = labels.job + [0] + labels.instance
        resources[identity] = Resource(
            labels: labels, target: target == nil ? [] : place, text: target ?? [])
        resourceBytes += place.count + (target?.count ?? 0)
        guard let target else { return true }
        return setTarget(place, target, heardAt)
    }

    private mutating func setTarget(_ place: [UInt8], _ text: [UInt8], _ heardAt: UInt32) -> Bool {
        let before = targets[place]
        let isRoom = targets.count < Self.maxContexts && targetBytes <= Self.maxTextBytes
        guard before != nil || isRoom else { return false }
        targetBytes += text.count - (before?.text.count ?? 0)
        targets[place] = Target(text: text, heardAt: heardAt)
        return true
    }

    func scope(_ identity: Fingerprint) -> ScopeLabels? { scopes[identity] }

    mutating func insert(_ identity: Fingerprint, _ labels: ScopeLabels) {
        if scopes.count >= Self.maxContexts || scopeBytes > Self.maxTextBytes {
            scopes.removeAll(keepingCapacity: true)
            scopeBytes = 0
        }
        scopes[identity] = labels
        scopeBytes += labels.heapBytes
    }

    mutating func expire(now: UInt32, limit: UInt32) {
        targets = targets.filter { entry in
            let age = now &- entry.value.heardAt
            return age >= 1 << 31 || age <= limit
        }
        targetBytes = targets.values.reduce(0) { $0 + $1.text.count }
    }

    /// The label texts of all targets, in a stable order.
    var targetTexts: [[UInt8]] {
        targets.sorted { $0.key.lexicographicallyPrecedes($1.key) }.map(\.value.text)
    }
}
