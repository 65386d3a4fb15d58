import RoostIngest

extension Costs {
    private static let mark: StaticString = "RoostCosts"
    private static let version: UInt8 = 1

    /// Everything, to be read back after a restart.
    public func encoded() -> [UInt8] {
        var writer = CostBytesWriter(mark: Costs.mark, version: Costs.version)
        writer.number(since)
        writer.number(hour)
        writer.tally(lifetime)
        writer.row(all)
        writer.number(UInt(tables.count))
        for table in tables {
            let rows = table.rows.filter { !$0.live.isEmpty || !$0.history.isEmpty }
            writer.number(UInt(rows.count))
            for row in rows { writer.row(row) }
        }
        return writer.finished()
    }

    /// Nil when the bytes are damaged or of another version.
    public init?(decoding bytes: [UInt8]) {
        guard
            var reader = CostBytesReader(bytes, mark: Costs.mark, version: Costs.version)
        else { return nil }
        self.init()
        since = reader.number()
        hour = reader.small()
        lifetime = reader.tally()
        all = reader.row(hour: hour)
        guard reader.count() == tables.count else { return nil }
        for place in tables.indices {
            for _ in 0..<reader.count() {
                let row = reader.row(hour: hour)
                if reader.isDamaged { return nil }
                tables[place].restore(row)
            }
        }
        if reader.isDamaged || !reader.isAtEnd { return nil }
    }
}

extension CostBytesWriter {
    fileprivate mutating func tally(_ tally: CostTally) {
        real(tally.cost)
        real(tally.failedCost)
        real(tally.shortCost)
        let tokens = tally.tokens
        for count in [
            tokens.input, tokens.cacheRead, tokens.cacheWrite, tokens.output, tokens.reasoning,
        ] {
            number(count)
        }
        for count in [
            tally.calls, tally.failed, tally.short, tally.priced, tally.unpriced, tally.runs,
        ] {
            number(count)
        }
    }

    fileprivate mutating func row(_ row: CostTable.Row) {
        text(row.name)
        text(row.provider)
        tally(row.live)
        for buckets in [row.history.hours, row.history.days] {
            number(UInt(buckets.count))
            for bucket in buckets {
                number(bucket.index)
                tally(bucket.tally)
            }
        }
    }
}

extension CostBytesReader {
    fileprivate mutating func tally() -> CostTally {
        var tally = CostTally()
        tally.cost = amount()
        tally.failedCost = amount()
        tally.shortCost = amount()
        tally.tokens.input = number()
        tally.tokens.cacheRead = number()
        tally.tokens.cacheWrite = number()
        tally.tokens.output = number()
        tally.tokens.reasoning = number()
        tally.calls = small()
        tally.failed = small()
        tally.short = small()
        tally.priced = small()
        tally.unpriced = small()
        tally.runs = small()
        return tally
    }

    /// What was live belongs to `hour`.
    fileprivate mutating func row(hour: UInt32) -> CostTable.Row {
        var row = CostTable.Row(name: text())
        row.provider = text()
        let live = tally()
        for _ in 0..<count() { row.history.setHour(small(), tally()) }
        for _ in 0..<count() { row.history.setDay(small(), tally()) }
        if !live.isEmpty { row.history.add(live, hour: hour) }
        return row
    }
}
