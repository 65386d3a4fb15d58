/// Why a point that was accepted and forwarded does not show on the page.
public enum UnexposedReason: Int, Sendable, CaseIterable {
    /// Its family is on the page with another type.
    case typeConflict
    /// The change of something that may fall: no Prometheus type can show it.
    case nonMonotonicDelta
    /// The family is full, and so is what is kept for its overflow.
    case seriesCap
    /// There are as many families as there may be.
    case familyCap
    /// The budget had no bytes left.
    case memory
    /// Nothing legal is left of its name.
    case invalidName
    /// Roost has a family of its own with this name, or one whose samples would clash with it.
    case reservedName
    /// The samples of another application's family are called the same.
    case nameClash
    /// An exponential histogram with buckets wider than any native histogram has them.
    case scaleTooLow
    /// No value; a counter that is negative, infinite or not a number; counts that add up to more than 2^62;
    /// buckets outside of what a double can hold, or too many of them.
    case invalidValue

    /// As in the label `reason`.
    public var name: String {
        switch self {
        case .typeConflict: "type_conflict"
        case .nonMonotonicDelta: "non_monotonic_delta"
        case .seriesCap: "series_cap"
        case .familyCap: "family_cap"
        case .memory: "memory"
        case .invalidName: "invalid_name"
        case .reservedName: "reserved_name"
        case .nameClash: "name_clash"
        case .scaleTooLow: "scale_too_low"
        case .invalidValue: "invalid_value"
        }
    }

    /// One sentence for the reference.
    public var explanation: String {
        switch self {
        case .typeConflict: "its family is on the page with another type"
        case .nonMonotonicDelta:
            "the change of something that may fall: no Prometheus type can show it"
        case .seriesCap: "the family is full, and so is what is kept for its overflow"
        case .familyCap: "there are as many families as there may be"
        case .memory: "limits.memory had no bytes left for it"
        case .invalidName: "nothing legal is left of its name"
        case .reservedName:
            "Roost has a family of its own with this name, or one whose samples would clash with it"
        case .nameClash: "the samples of another application's family are called the same"
        case .scaleTooLow:
            "an exponential histogram with buckets wider than any native histogram has them"
        case .invalidValue:
            "no value; a counter that is negative, infinite or not a number; counts above 2^62 "
                + "together; buckets outside of what a double can hold, or too many of them"
        }
    }
}

/// What happened to points on their way into series.
public enum SeriesEvent: Int, Sendable, CaseIterable {
    /// A delta began later than the last one ended.
    case gap
    /// A delta began before the last one had ended; it was added.
    case overlap
    /// A point older than what is known, or of a process that has been replaced; it was ignored.
    case outOfOrder
    /// A cumulative stream began again.
    case reset
    /// A histogram came with other bounds than before.
    case boundsChange
    /// A point went into the overflow series of its family.
    case overflow
    /// A stream ended because nothing was heard of it.
    case expired
    /// A label value was cut to 4 KiB.
    case cutValue
    /// A `target_info` was not taken up because there are too many.
    case targetCap
    /// A family came with another help text or unit than before; the first one stays.
    case metadataConflict

    /// The counter that Roost shows for it.
    public var counterName: String {
        switch self {
        case .gap: "roost_metrics_delta_gaps_total"
        case .overlap: "roost_metrics_delta_overlaps_total"
        case .outOfOrder: "roost_metrics_late_points_total"
        case .reset: "roost_metrics_stream_resets_total"
        case .boundsChange: "roost_metrics_bounds_changes_total"
        case .overflow: "roost_metrics_overflow_points_total"
        case .expired: "roost_metrics_expired_streams_total"
        case .cutValue: "roost_metrics_cut_label_values_total"
        case .targetCap: "roost_metrics_unexposed_targets_total"
        case .metadataConflict: "roost_metrics_metadata_conflicts_total"
        }
    }

    /// The help text of that counter.
    public var help: String {
        switch self {
        case .gap: "Delta points that began after the last one of their stream had ended"
        case .overlap: "Delta points that began before the last one of their stream had ended"
        case .outOfOrder: "Points ignored because they were older than what was known"
        case .reset: "Cumulative streams that began to count again"
        case .boundsChange: "Histogram points with other bounds than the last one of their stream"
        case .overflow: "Points that went into the overflow series of a full family"
        case .expired: "Streams that ended because nothing was heard of them"
        case .cutValue: "Label values cut to 4 KiB"
        case .targetCap: "Resources without a target_info because there were too many"
        case .metadataConflict: "Metrics with another help text or unit than their family has"
        }
    }
}

/// Points by what became of them; gathered over a request and added to the store's at its end.
public struct SeriesCounts: Sendable, Equatable {
    private var reasons = [Int](repeating: 0, count: UnexposedReason.allCases.count)
    private var events = [Int](repeating: 0, count: SeriesEvent.allCases.count)
    private var isClean = true

    public init() {}

    /// Points that are not on the page for `reason`.
    public subscript(reason: UnexposedReason) -> Int { reasons[reason.rawValue] }

    /// How often `event` happened.
    public subscript(event: SeriesEvent) -> Int { events[event.rawValue] }

    mutating func add(_ reason: UnexposedReason) {
        reasons[reason.rawValue] &+= 1
        isClean = false
    }

    mutating func add(_ event: SeriesEvent, _ number: Int = 1) {
        events[event.rawValue] &+= number
        isClean = false
    }

    mutating func add(_ other: SeriesCounts) {
        if other.isClean { return }
        for index in reasons.indices { reasons[index] &+= other.reasons[index] }
        for index in events.indices { events[index] &+= other.events[index] }
        isClean = false
    }
}
