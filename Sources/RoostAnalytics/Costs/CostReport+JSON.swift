public import RoostCore
import RoostIngest

extension CostReport {
    public func write(into json: inout JSONWriter) {
        json.beginObject()
        json.field("period", period.rawValue)
        json.field("time", rfc3339(unixNanoseconds: time))
        json.field("from", rfc3339(unixNanoseconds: from))
        json.object("total") { total.writeFields(into: &$0) }
        json.object("lifetime") { json in
            json.field("since", rfc3339(unixNanoseconds: since))
            lifetime.writeFields(into: &json)
        }
        json.object("trend") { json in
            write(dayTrend, "last_24h", into: &json)
            write(weekTrend, "last_7d", into: &json)
        }
        for dimension in CostDimension.allCases { write(dimension, into: &json) }
        json.key("cost_per_run_usd")
        json.valueOrNull(total.costPerRun)
        writeForecast(into: &json)
        writeUnpriced(into: &json)
        json.object("cache") { json in
            json.field("read_tokens", cache.readTokens)
            json.key("share")
            json.valueOrNull(cache.share)
            json.key("savings_usd")
            json.valueOrNull(cache.savings)
        }
        json.array("recommendations") { json in
            for advice in advice { advice.write(into: &json) }
        }
        json.array("days") { json in
            for (day, figures) in days {
                json.beginObject()
                json.field("date", date(day))
                figures.writeFields(into: &json)
                json.endObject()
            }
        }
        json.endObject()
    }

    private func write(_ dimension: CostDimension, into json: inout JSONWriter) {
        json.field("\(dimension)_count", counts[dimension] ?? 0)
        json.array("by_\(dimension)") { json in
            for share in groups[dimension] ?? [] {
                json.beginObject()
                json.field("\(dimension)", share.name)
                json.key("share")
                json.valueOrNull(share.share)
                share.figures.writeFields(into: &json, runs: dimension.hasRuns)
                if dimension == .workflow {
                    json.key("cost_per_run_usd")
                    json.valueOrNull(share.figures.costPerRun)
                }
                write(share.trend, "trend_24h", into: &json)
                json.endObject()
            }
        }
    }

    private func write(_ trend: CostTrend?, _ name: String, into json: inout JSONWriter) {
        json.key(name)
        guard let trend else { return json.null() }
        json.beginObject()
        json.field("cost_usd", trend.current)
        json.field("before_usd", trend.before)
        json.key("change")
        json.valueOrNull(trend.change)
        json.endObject()
    }

    private func writeForecast(into json: inout JSONWriter) {
        json.object("forecast") { json in
            json.field("complete_days", completeDays)
            json.field("needed_days", CostForecast.fewestDays)
            guard let forecast else { return json.field("available", false) }
            json.field("available", true)
            json.field("method", forecast.method.rawValue)
            json.field("days_used", forecast.days)
            json.field("month_to_date_usd", forecast.monthToDate)
            json.field("month_projected_usd", forecast.projected)
            json.field("month_low_usd", forecast.low)
            json.field("month_high_usd", forecast.high)
            json.field("interval", 0.95)
            json.field("per_day_usd", forecast.perDay)
        }
    }

    private func writeUnpriced(into json: inout JSONWriter) {
        json.array("unpriced") { json in
            for model in unpriced {
                json.beginObject()
                json.field("model", model.model)
                json.field("provider", model.provider)
                json.field("calls", model.calls)
                json.field("tokens", model.tokens)
                json.endObject()
            }
        }
    }

    private func date(_ day: UInt32) -> String {
        String(rfc3339(unixNanoseconds: UInt64(day) * 86_400_000_000_000).prefix(10))
    }
}

extension CostFigures {
    func writeFields(into json: inout JSONWriter, runs hasRuns: Bool = true) {
        json.key("cost_usd")
        json.valueOrNull(cost)
        json.key("tokens")
        tokens.write(into: &json)
        json.field("calls", calls)
        json.field("failed_calls", failedCalls)
        json.field("failed_cost_usd", failedCost)
        json.field("unpriced_calls", unpricedCalls)
        if hasRuns { json.field("runs", runs) }
    }
}

extension CostAdvice {
    public func write(into json: inout JSONWriter) {
        json.beginObject()
        json.field("type", kind.rawValue)
        json.field("subject", subject)
        json.field("name", name)
        json.field("title", title)
        json.field("detail", detail)
        json.field("savings_usd_per_30d", savings)
        json.field("confidence", confidence)
        json.object("figures") { json in
            for (name, value) in figures { json.field(name, value) }
        }
        json.endObject()
    }
}

extension JSONWriter {
    fileprivate mutating func valueOrNull(_ number: Double?) {
        if let number { value(number) } else { null() }
    }
}
