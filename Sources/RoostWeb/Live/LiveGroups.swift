import RoostAnalytics
import RoostCore

/// Clients with the same filter. Confined to the web loop.
final class LiveGroup {
    let filter: LiveFilter
    var clients: [ObjectIdentifier: any LiveClient] = [:]
    /// What its clients have to get on its next turn.
    var news: [LiveNews] = []
    /// How much of that was there when a client joined, if anything was.
    private var newsBefore: [ObjectIdentifier: Int] = [:]
    /// How many will belong to it when they have caught up.
    var replaying = 0
    /// How many messages came for these, counted on from any number.
    var told = 0

    var isEmpty: Bool { clients.isEmpty && replaying == 0 }

    init(_ filter: LiveFilter) { self.filter = filter }

    /// A client gets what comes from now on.
    func join(_ client: any LiveClient) {
        let key = ObjectIdentifier(client)
        clients[key] = client
        newsBefore[key] = news.isEmpty ? nil : news.count
    }

    /// The place of the first of the news that a client has to get.
    func firstNews(for client: any LiveClient) -> Int {
        newsBefore[ObjectIdentifier(client)] ?? 0
    }

    func takeNews() -> [LiveNews] {
        defer { (news, newsBefore) = ([], [:]) }
        return news
    }
}

/// The groups of a hub, found by the trace or the workflow that most of them ask for: a thousand
/// clients that each follow a run of their own are not asked about those of the others.
struct LiveGroups {
    private var groups: [LiveFilter: LiveGroup] = [:]
    private var byTrace: [TraceID: [LiveGroup]] = [:]
    private var byWorkflow: [ExactText: [LiveGroup]] = [:]
    /// Those that any message may be for.
    private var open: [LiveGroup] = []

    var isEmpty: Bool { groups.isEmpty }
    var all: some Collection<LiveGroup> { groups.values }

    subscript(filter: LiveFilter) -> LiveGroup? { groups[filter] }

    /// The group of `filter`, a new one if need be.
    mutating func group(_ filter: LiveFilter) -> LiveGroup {
        if let known = groups[filter] { return known }
        let group = LiveGroup(filter)
        groups[filter] = group
        if let trace = filter.trace {
            byTrace[trace, default: []].append(group)
        } else if let workflows = filter.workflows {
            for workflow in workflows { byWorkflow[workflow, default: []].append(group) }
        } else {
            open.append(group)
        }
        return group
    }

    mutating func remove(_ group: LiveGroup) {
        groups[group.filter] = nil
        if let trace = group.filter.trace {
            Self.remove(group, from: &byTrace[trace])
        } else if let workflows = group.filter.workflows {
            for workflow in workflows { Self.remove(group, from: &byWorkflow[workflow]) }
        } else {
            open.removeAll { $0 === group }
        }
    }

    private static func remove(_ group: LiveGroup, from list: inout [LiveGroup]?) {
        list?.removeAll { $0 === group }
        if list?.isEmpty == true { list = nil }
    }

    /// Calls `each` with the groups whose filter wants a message.
    func forEach(wanting message: LiveMessage, _ each: (LiveGroup) -> Void) {
        func look(_ groups: [LiveGroup]) {
            for group in groups where group.filter.wants(message) { each(group) }
        }
        look(open)
        if !byWorkflow.isEmpty, let groups = byWorkflow[ExactText(message.workflow)] {
            look(groups)
        }
        guard !byTrace.isEmpty else { return }
        let trace = TraceID(high: message.traceIDHigh, low: message.traceIDLow)
        if let groups = byTrace[trace] { look(groups) }
    }
}
