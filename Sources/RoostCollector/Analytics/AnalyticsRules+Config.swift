import RoostAnalytics

extension Config {
    /// The budgets, and the rules for insights that a user adds.
    var analyticsRules: AnalyticsRules {
        AnalyticsRules(
            budgets: budgets.map {
                BudgetRule(
                    name: $0.name, scope: $0.scope, match: $0.match, limit: $0.limit, per: $0.per)
            }, insights: agents.tables.insights.compactMap { try? InsightRule($0) })
    }
}
